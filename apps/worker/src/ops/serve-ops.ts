import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Authenticator } from "@millrace/access";
import type { Workers } from "@millrace/jobs";
import type { Registry } from "prom-client";

export interface OpsNeeds {
  readonly registry: Registry;
  readonly workers: Pick<Workers, "stuckQueues">;
  readonly authenticator: Authenticator;
}

/**
 * `GET /health` (open: 200 while the process lives and takes what waits, 503 while it does not) and `GET /metrics` (scope `read`) on a port of
 * their own.
 */
export async function serveOps(
  listen: { readonly host: string; readonly port: number },
  { registry, workers, authenticator }: OpsNeeds,
): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(503).end());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split("?", 1)[0];
    if (request.method !== "GET" || (path !== "/health" && path !== "/metrics")) {
      response.writeHead(404).end();
    } else if (path === "/health") {
      const stuckQueues = workers.stuckQueues();
      const isWell = stuckQueues.length === 0;
      const body = isWell ? { status: "ok" } : { status: "stuck", queues: stuckQueues };
      response.writeHead(isWell ? 200 : 503, { "content-type": "application/json" }).end(JSON.stringify(body));
    } else {
      const principal = await authenticator.authenticate(request.headers.authorization);
      if (principal?.scopes.has("read")) {
        response.writeHead(200, { "content-type": registry.contentType }).end(await registry.metrics());
      } else {
        response.writeHead(principal === undefined ? 401 : 403, { "www-authenticate": "Bearer" }).end();
      }
    }
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
