import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Answering {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server that takes what webhooks send; `answerOf` may keep one waiting. */
export async function startReceiver(answerOf: (received: Received, n: number) => Answering | Promise<Answering>) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", async () => {
      const one = { path: request.url ?? "", body, headers: request.headers };
      received.push(one);
      const { status, headers } = await answerOf(one, received.length);
      response.writeHead(status, { ...headers }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  return {
    received,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
