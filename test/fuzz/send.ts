import { Agent, request } from "node:http";
import type { FuzzCase } from "./fuzz-case.ts";

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
  readonly body: Buffer;
  readonly ms: number;
}

export interface Sender extends Disposable {
  /** Resolves with the answer, or `undefined` when the connection was closed instead. */
  send(fuzzCase: FuzzCase): Promise<Reply | undefined>;
}

export function createSender(target: { readonly port: number; readonly key: string }): Sender {
  const agent = new Agent({ keepAlive: true });
  const attempt = ({ method, path, headers, body }: FuzzCase): Promise<Reply | undefined> =>
    new Promise((resolve) => {
      const startedAt = performance.now();
      const sent = request(
        {
          agent,
          host: "127.0.0.1",
          port: target.port,
          method,
          path,
          headers: { ...headers, authorization: `Bearer ${target.key}`, "content-length": body.length },
        },
        (reply) => {
          const chunks: Buffer[] = [];
          reply.on("data", (chunk: Buffer) => chunks.push(chunk));
          reply.on("error", () => resolve(undefined));
          reply.on("end", () =>
            resolve({
              status: reply.statusCode ?? 0,
              type: reply.headers["content-type"] ?? "",
              retryAfter: reply.headers["retry-after"],
              location: reply.headers.location,
              body: Buffer.concat(chunks),
              ms: performance.now() - startedAt,
            }),
          );
        },
      );
      sent.on("error", () => resolve(undefined));
      sent.end(body);
    });
  return {
    // A connection that was kept open may be closed by the server in the moment in which it is used again.
    send: async (fuzzCase) => (await attempt(fuzzCase)) ?? (await attempt(fuzzCase)),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** What is wrong with an answer, whatever the request was. */
export function faultOf({ path }: FuzzCase, reply: Reply | undefined): string | undefined {
  if (reply === undefined) return "closed without an answer, twice";
  const { status, type, retryAfter, body } = reply;
  if (status === 503) return retryAfter === undefined ? "503 without Retry-After" : undefined;
  if (status >= 500 || status < 200) return `status ${status}`;
  if (status < 400) return undefined;
  const isOtlp = /^\/v1\/(logs|traces|metrics)$/.test(path);
  const isSaid = isOtlp ? /json|protobuf/.test(type) : type.startsWith("application/problem+json");
  return isSaid && body.length > 0 ? undefined : `${status} says nothing: ${type} ${body.toString("latin1", 0, 100)}`;
}
