import Fastify, { type FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { problemOf, sendProblem } from "../../http/problem.ts";
import { ingestMediaTypes } from "../candidates.ts";
import type { IngestRow } from "../ingest-buffer.ts";
import { type IngestNeeds, registerIngest } from "../ingest-route.ts";

/** A server that does nothing but take events, from everybody, and hands the rows to `push`. */
export async function createIngestApp({
  push,
  limits,
  idempotency = () => Promise.reject(new Error("No request here has an Idempotency-Key")),
}: {
  push: (rows: readonly IngestRow[]) => Promise<void>;
  limits?: Partial<IngestNeeds["limits"]>;
  idempotency?: IngestNeeds["idempotency"];
}): Promise<FastifyInstance & AsyncDisposable> {
  const app = Fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => sendProblem(problemOf(error), request, reply));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...ingestMediaTypes], { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.decorateRequest("principal", null);
  app.addHook("onRequest", (request, _reply, done) => {
    request.principal = { keyId: String(request.headers["x-sender"]), name: "test", scopes: new Set(["ingest"]) };
    done();
  });
  await registerIngest(app, {
    buffer: { push: async (rows) => push(rows).then(() => []), [Symbol.asyncDispose]: async () => {} },
    idempotency,
    limits: { maxBodyBytes: 10_000, maxEvents: 5, maxEventLength: 2_000, ...limits },
  });
  return app;
}
