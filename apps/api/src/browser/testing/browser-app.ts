import { createAuthenticator, scopes } from "@millrace/access";
import type { Db } from "@millrace/db";
import Fastify, { type FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { registerAccess } from "../../access/require-scope.ts";
import { sendEventStream } from "../../events/read/raw-reply.ts";
import { problemOf, sendProblem } from "../../http/problem.ts";
import { createStreamClients } from "../../http/stream-clients.ts";
import type { Attempts } from "../attempts.ts";
import { isNavigation, registerPageHeaders } from "../page-headers.ts";
import { sendProblemPage } from "../problem-page.ts";
import { registerBrowser } from "../session-routes.ts";

export const developmentKey = "a-development-key";

/**
 * A server with the sign-in, the pages `/console` for `read` and `/settings` for `admin`, an endless `/stream`, and
 * `/as/SCOPE` for each scope, to be read and written.
 */
export async function createBrowserApp(db: Db, attempts?: Attempts): Promise<FastifyInstance> {
  const app = Fastify({ forceCloseConnections: true });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) =>
    (isNavigation(request) ? sendProblemPage : sendProblem)(problemOf(error), request, reply),
  );
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  const authenticator = createAuthenticator({ db, developmentKey });
  registerPageHeaders(app);
  registerAccess(app, authenticator);
  await registerBrowser(app, { ...authenticator, ...(attempts && { attempts }) });
  app.get("/console", { config: { scope: "read", page: true } }, (_request, reply) =>
    reply
      .type("text/html")
      .send("<!doctype html><title>Console</title><link rel=icon href=data:,><h1>The console</h1>"),
  );
  app.get("/settings", { config: { scope: "admin", page: true } }, () => "settings");
  const takeIn = createStreamClients(app, {
    authenticator,
    limits: { maxClients: 9, maxEventsPerSecond: 9 },
    what: "it",
    everyMs: 10,
  });
  app.get("/stream", { config: { scope: "read" } }, (request, reply) => sendEventStream(reply, takeIn(request).stream));
  for (const scope of scopes) {
    app.route({ method: ["GET", "POST"], url: `/as/${scope}`, config: { scope }, handler: () => ({ scope }) });
  }
  return app;
}
