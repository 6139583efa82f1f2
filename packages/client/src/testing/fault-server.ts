import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import type { MillraceEvent } from "../event.ts";

/** Two faults lie before the server has done its work, the others behind it. */
export const faults = [
  "reset before",
  "reset after",
  "half an answer",
  "stall before",
  "stall after",
  "garbage",
  "slow",
] as const;
export type Fault = (typeof faults)[number];

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** As it came. */
  readonly body: Buffer;
  readonly events: readonly MillraceEvent[];
}

export interface FaultServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly Request[];
  /** Resolves when this many requests have come since the start. */
  received(count: number): Promise<void>;
}

/** What the server does with each request, in this order: a fault, a reply of its own, or nothing special. */
export type Schedule = Iterator<Fault | Reply | undefined>;

/**
 * A real HTTP server that answers as `answer` says but for what the schedule says, request by request. A schedule
 * that is over means that nothing special happens any more.
 */
export async function createFaultServer(
  answer: (request: Request) => Reply | Promise<Reply>,
  schedule: Schedule = [].values(),
): Promise<FaultServer> {
  const requests: Request[] = [];
  const arrivals = new EventEmitter();
  const server = createServer((incoming, response) => {
    void serve(incoming, response).catch(() => response.destroy()); // the client has gone
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // of a TCP server
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async received(count) {
      while (requests.length < count) await once(arrivals, "request");
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await requestOf(incoming);
    const { value } = schedule.next();
    requests.push(request);
    arrivals.emit("request");
    if (typeof value === "object") return write(response, value);
    if (value === "reset before") return void incoming.socket.destroy();
    if (value === "stall before") return;
    const reply = await answer(request);
    if (value === "reset after") return void incoming.socket.destroy();
    if (value === "stall after") return;
    if (value === "garbage") return void response.writeHead(200).end("<html>Welcome to the hotel</html>");
    const body = JSON.stringify(reply.body ?? {});
    response.writeHead(reply.status, { ...reply.headers, "content-length": Buffer.byteLength(body) });
    if (value === "half an answer") {
      response.write(body.slice(0, body.length / 2), () => incoming.socket.destroy());
    } else if (value === "slow") {
      for (const character of body) {
        response.write(character);
        await new Promise(setImmediate);
      }
      response.end();
    } else response.end(body);
  }
}

function write(response: ServerResponse, { status, body = {}, headers = {} }: Reply): void {
  response.writeHead(status, headers).end(JSON.stringify(body));
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const { method = "", url: path = "", headers } = incoming;
  const body = await buffer(incoming);
  const text = (headers["content-encoding"] === "gzip" ? gunzipSync(body) : body).toString("utf8");
  // The client has written it.
  const events = text.split("\n").map((line) => JSON.parse(line) as MillraceEvent);
  return { method, path, headers, body, events };
}
