import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Authenticator } from "@millrace/access";
import type { Health, PerformanceReport } from "@millrace/fleet";
import type { Workers } from "@millrace/jobs";
import { metricsText, within } from "@millrace/runtime";
import type { Registry } from "prom-client";

export interface OpsNeeds {
  readonly registry: Registry;
  readonly workers: Pick<Workers, "stuckQueues">;
  readonly health: Health;
  readonly performance: () => Promise<PerformanceReport>;
  readonly authenticator: Authenticator;
}

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A key that was not seen lately has to be looked up in a database that may hang. */
const keyPatienceMs = 1_000;

/**
 * `GET /health` (open: 200 while the process lives and takes what waits, 503 while it does not; with a key, all that it
 * needs), `/health/ready`, `/health/performance` and `/metrics` (scope `read`) on a port of their own.
 */
export async function serveOps(
  listen: { readonly host: string; readonly port: number },
  needs: OpsNeeds,
): Promise<AsyncDisposable & { readonly port: number }> {
  const { registry, workers, health, performance, authenticator } = needs;
  const server = createServer((request, response) => {
    answerTo(request)
      .catch((): Answer => ({ status: 503 }))
      .then((answer) => send(response, answer));
  });

  async function answerTo(request: IncomingMessage): Promise<Answer> {
    if (request.method !== "GET") return { status: 404 };
    const forReaders = (answer: () => Promise<Answer>): Promise<Answer> => readersOnly(request, answer);
    switch (request.url?.split("?", 1)[0]) {
      case "/health":
        return request.headers.authorization === undefined ? liveness() : await forReaders(report);
      case "/health/ready":
        return await forReaders(readiness);
      case "/health/performance":
        return await forReaders(async () => json(200, await performance()));
      case "/metrics":
        return await forReaders(() => metrics(request.headers.accept));
      default:
        return { status: 404 };
    }
  }

  function liveness(): Answer {
    const stuckQueues = workers.stuckQueues();
    return stuckQueues.length === 0 ? json(200, { status: "ok" }) : json(503, { status: "stuck", queues: stuckQueues });
  }

  async function report(): Promise<Answer> {
    const all = await health.report();
    return json(all.status === "down" || workers.stuckQueues().length > 0 ? 503 : 200, all);
  }

  async function readiness(): Promise<Answer> {
    const { status, missing } = await health.ready();
    return status === "down" ? json(503, { status, missing: missing.map(({ name }) => name) }) : json(200, { status });
  }

  async function metrics(accept: string | undefined): Promise<Answer> {
    const { contentType, text } = await metricsText(registry, accept);
    return { status: 200, type: contentType, body: text, headers: { vary: "accept" } };
  }

  async function readersOnly(request: IncomingMessage, answer: () => Promise<Answer>): Promise<Answer> {
    const found = authenticator.authenticate(request.headers.authorization);
    const principal = found instanceof Promise ? await within(keyPatienceMs, found) : found;
    if (principal?.scopes.has("read") === true) return await answer();
    return { status: principal === undefined ? 401 : 403, headers: { "www-authenticate": "Bearer" } };
  }

  server.listen(listen.port, listen.host);
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : listen.port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function json(status: number, body: object): Answer {
  return { status, type: "application/json", body: JSON.stringify(body) };
}

function send(response: ServerResponse, { status, type, body, headers = {} }: Answer): void {
  response.writeHead(status, { ...headers, ...(type !== undefined && { "content-type": type }) }).end(body);
}
