import type { IncomingHttpHeaders } from "node:http";
import type { Authenticator } from "@millrace/access";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { createTailClient, type TailClient, type TailLimits } from "../events/tail/tail-client.ts";
import { messageText } from "../events/tail/tail-text.ts";
import { HttpProblem } from "./problem.ts";

export interface StreamClientsOptions {
  readonly authenticator: Authenticator;
  readonly limits: Partial<TailLimits> & { readonly maxClients: number; readonly maxEventsPerSecond: number };
  /** What they follow, for the one who is told that there are too many. */
  readonly what: string;
  /** How often each client is looked after: its key, its heartbeat, what was dropped for it. */
  readonly everyMs?: number;
}

/** What a client came with; looked at again as long as it stays. */
type Credentials = Pick<IncomingHttpHeaders, "authorization" | "cookie">;

const defaults = { maxWaitingBytes: 256 * 1_024, stallMs: 60_000, heartbeatMs: 15_000 };
/** A reconnect sooner than that would only burden a server that is restarting. */
const retryMs = 2_000;

/**
 * The clients of a route that sends server-sent events. Gives the function that takes one in, which throws a 503 when
 * there are too many. Their streams end when their key is not valid any more, and when the app closes.
 */
export function createStreamClients(
  app: FastifyInstance,
  { authenticator, limits, what, everyMs = 1_000 }: StreamClientsOptions,
): (request: FastifyRequest) => TailClient {
  const clients = new Map<TailClient, Credentials>();
  let ticking: NodeJS.Timeout | undefined;

  async function checkKey(client: TailClient, { authorization, cookie }: Credentials): Promise<void> {
    const principal = await authenticator.authenticate(authorization, cookie);
    if (!principal?.scopes.has("read")) end(client, "key_invalid");
  }

  function end(client: TailClient, reason: "closing" | "key_invalid"): void {
    if (!clients.delete(client)) return;
    client.tell(messageText("end", { reason }));
    client.end();
  }

  function tick(): void {
    for (const [client, credentials] of clients) {
      client.tick();
      // Rejects while the database does not answer; the key was good until then.
      void checkKey(client, credentials).catch(() => {});
    }
  }

  app.addHook("preClose", async () => {
    for (const client of clients.keys()) end(client, "closing");
  });

  return ({ headers: { authorization, cookie } }) => {
    if (clients.size >= limits.maxClients) throw tooManyClients(limits.maxClients, what);
    const client = createTailClient({ ...defaults, ...limits });
    clients.set(client, { authorization, cookie });
    ticking ??= setInterval(tick, everyMs).unref();
    client.tell(`retry: ${retryMs}\n\n`);
    client.stream.once("close", () => {
      clients.delete(client);
      if (clients.size > 0) return;
      clearInterval(ticking);
      ticking = undefined;
    });
    return client;
  };
}

function tooManyClients(maxClients: number, what: string): HttpProblem {
  return new HttpProblem({
    status: 503,
    code: "too_many_clients",
    detail: `${maxClients} clients follow ${what} already; try again when one has gone`,
    headers: { "retry-after": "10" },
  });
}
