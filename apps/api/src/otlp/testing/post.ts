import { fieldsOf } from "@millrace/events";
import Fastify, { type InjectOptions } from "fastify";
import type { IngestRow } from "../../events/ingest-buffer.ts";
import { problemOf, sendProblem, unavailable } from "../../http/problem.ts";
import { registerOtlp } from "../otlp-routes.ts";

export interface StoredEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | undefined;
  readonly time: string;
  readonly data: unknown;
}

/** The OTLP routes with a buffer that keeps what would go to the queue; `isQueueAway` makes it refuse. */
export async function createOtlpApp({ isQueueAway = false, maxBodyBytes = 100_000 } = {}) {
  const pushed: IngestRow[] = [];
  const app = Fastify();
  app.setErrorHandler((error, request, reply) => sendProblem(problemOf(error), request, reply));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  await registerOtlp(app, {
    buffer: {
      push: async (rows) => {
        if (isQueueAway) throw unavailable("queue_unavailable", "The queue is not available");
        pushed.push(...rows);
        return [];
      },
      [Symbol.asyncDispose]: async () => {},
    },
    limits: { maxBodyBytes, maxEvents: 20, maxEventLength: 4_000 },
  });
  return {
    async post(url: string, payload: string | Buffer, headers: Record<string, string> = {}) {
      const type = typeof payload === "string" ? "application/json" : "application/x-protobuf";
      const request: InjectOptions = { method: "POST", url, payload, headers: { "content-type": type, ...headers } };
      const events = pushed.length;
      const reply = await app.inject(request);
      return {
        status: reply.statusCode,
        type: reply.headers["content-type"],
        retryAfter: reply.headers["retry-after"],
        body: reply.rawPayload,
        json: (): unknown => reply.json(),
        rows: pushed.slice(events).map(({ row }) => row),
        events: pushed.slice(events).map(({ row }) => eventOf(row)),
      };
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
}

function eventOf(row: string): StoredEvent {
  const [id = "", source = "", type = "", subject, time = "", data = "null"] = fieldsOf(row);
  return { id, source, type, subject, time, data: JSON.parse(data) };
}
