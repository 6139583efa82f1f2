import type { BrowserSessions } from "@millrace/access";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { jsonBodyOf, unchecked } from "../http/json-body.ts";
import { HttpProblem, problemOf } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";
import { type Attempts, createAttempts } from "./attempts.ts";
import { registerPageStyle, sendPage } from "./layout.ts";
import { defaultPath, nextPathOf } from "./next-path.ts";
import { crossSite, isSafe, isSameOrigin } from "./same-origin.ts";
import { cookieOf, forgottenCookie } from "./session-cookie.ts";
import { signInPage } from "./sign-in-page.ts";

export interface BrowserNeeds {
  readonly sessions: BrowserSessions;
  readonly attempts?: Attempts;
}

const tags = ["browser"];
const formType = "application/x-www-form-urlencoded";
const config = { scope: "public", page: true } as const;
const bodyLimit = 8 * 1_024;
const entered = z.object({ key: z.string().min(1, "enter a key"), next: z.string().optional() });
const security = [{ session: [] }];

/** The sign-in, and what a browser's session is asked for. */
export async function registerBrowser(parent: FastifyInstance, { sessions, attempts }: BrowserNeeds): Promise<void> {
  await parent.register(async (app) => {
    app.addContentTypeParser(formType, { parseAs: "string" }, (_request, body, done) => done(null, body));
    app.addHook("onRequest", (request, _reply, done) => {
      done(!isSafe(request.method) && !isSameOrigin(request.headers) ? crossSite() : undefined);
    });
    registerPageStyle(app);
    registerSigningIn(app, sessions, attempts ?? createAttempts());
    registerSession(app, sessions);
  });
}

function registerSigningIn(app: FastifyInstance, sessions: BrowserSessions, attempts: Attempts): void {
  app.get<{ Querystring: { next?: unknown; "signed-out"?: unknown } }>(
    "/sign-in",
    { config, schema: { hide: true } },
    async (request, reply) => {
      const { next, "signed-out": signedOut } = request.query;
      // Whether somebody is signed in already is of interest only; the form works without the database.
      const session = await sessions.find(request.headers.cookie ?? "").catch(() => undefined);
      const isSignedOut = signedOut !== undefined && session === undefined;
      return sendPage(reply, signInPage({ next: nextPathOf(next), principal: session?.principal, isSignedOut }));
    },
  );

  /** Sets the cookie, or throws the problem. */
  async function signIn(request: FastifyRequest, reply: FastifyReply, key: string): Promise<void> {
    const waitSeconds = attempts.take(request.ip);
    if (waitSeconds !== undefined) throw tooMany(waitSeconds);
    const session = await sessions.begin(key).catch((error: unknown) => {
      attempts.giveBack(request.ip);
      throw error;
    });
    if (session === undefined) throw wrongKey();
    attempts.giveBack(request.ip);
    // The session that this browser had is of no use to it any more.
    await sessions.end(request.headers.cookie ?? "").catch(() => {});
    reply.header("set-cookie", cookieOf(request, session.token, session.expiresAt));
  }

  app.post(
    "/session",
    {
      config,
      bodyLimit,
      ...unchecked,
      schema: {
        tags,
        summary: "Sign in with a key, from a page of this server",
        description: "Sets a cookie that stands for the key. A form is answered with a redirect to `next`.",
        consumes: ["application/json", formType],
        body: entered,
        response: {
          204: z.null().describe("Signed in"),
          303: z.null().describe("Signed in, by a form"),
          400: problemReply("There is no key in the body"),
          401: problemReply("The key is not known, has expired or was revoked"),
          403: problemReply("The request does not come from a page of this server"),
          429: problemReply("Too many wrong keys were entered"),
          503: problemReply("The key cannot be checked now"),
        },
      },
    },
    async (request, reply) => {
      if (!isForm(request)) {
        await signIn(request, reply, jsonBodyOf(request.body, entered).key);
        return reply.code(204).send();
      }
      const form = new URLSearchParams(String(request.body));
      const next = nextPathOf(form.get("next"));
      try {
        await signIn(request, reply, keyIn(form));
        return reply.redirect(next, 303);
      } catch (error) {
        return showProblem(problemOf(error), next, reply);
      }
    },
  );
}

function registerSession(app: FastifyInstance, sessions: BrowserSessions): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/session",
    {
      config: { scope: "public" },
      schema: {
        tags,
        summary: "Who is signed in",
        security,
        response: {
          200: z.object({ name: z.string(), scopes: z.array(z.string()), expires_at: z.string() }),
          401: problemReply("Nobody is"),
        },
      },
    },
    async (request, reply) => {
      const session = await sessions.find(request.headers.cookie ?? "");
      if (session === undefined) throw notSignedIn();
      const { principal, expiresAt } = session;
      reply.header("cache-control", "no-store");
      return { name: principal.name, scopes: [...principal.scopes], expires_at: expiresAt.toISOString() };
    },
  );

  const endIt = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    await sessions.end(request.headers.cookie ?? "");
    reply.header("set-cookie", forgottenCookie(request));
  };
  const forbidden = { 403: problemReply("The request does not come from a page of this server") };

  app.delete(
    "/session",
    { config, schema: { tags, summary: "Sign out", response: { 204: z.null().describe("Signed out"), ...forbidden } } },
    async (request, reply) => {
      await endIt(request, reply);
      return reply.code(204).send();
    },
  );

  app.post(
    "/session/end",
    {
      config,
      bodyLimit,
      ...unchecked,
      schema: {
        tags,
        summary: "Sign out by a form",
        consumes: [formType],
        response: { 303: z.null().describe("Signed out"), ...forbidden },
      },
    },
    async (request, reply) => {
      await endIt(request, reply);
      return reply.redirect(`/sign-in?signed-out&next=${encodeURIComponent(defaultPath)}`, 303);
    },
  );
}

/** The form again, with what was wrong. */
function showProblem({ status, headers, message }: HttpProblem, next: string, reply: FastifyReply): FastifyReply {
  return sendPage(reply.code(status).headers(headers), signInPage({ next, error: message }));
}

function isForm({ headers }: FastifyRequest): boolean {
  return (headers["content-type"] ?? "").startsWith(formType);
}

function keyIn(form: URLSearchParams): string {
  const key = form.get("key")?.trim() ?? "";
  if (key === "") throw new HttpProblem({ status: 400, code: "key_missing", detail: "Enter a key." });
  return key;
}

function wrongKey(): HttpProblem {
  return new HttpProblem({
    status: 401,
    code: "key_invalid",
    detail: "This key is not known, has expired or was revoked.",
    headers: { "www-authenticate": "Bearer" },
  });
}

function notSignedIn(): HttpProblem {
  return new HttpProblem({
    status: 401,
    code: "session_missing",
    detail: "Nobody is signed in with this browser, or no longer; open /sign-in",
    headers: { "www-authenticate": "Bearer" },
  });
}

function tooMany(seconds: number): HttpProblem {
  return new HttpProblem({
    status: 429,
    code: "too_many_attempts",
    detail: `Too many wrong keys were entered. Try again in ${seconds} s.`,
    headers: { "retry-after": String(seconds) },
  });
}
