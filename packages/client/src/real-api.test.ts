import { type Postgres, statement } from "@millrace/db";
import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { runService } from "../../../test/compose/service-process.ts";
import { createClient } from "./client.ts";
import type { MillraceEvent } from "./event.ts";
import { createFaultServer, faults, type Reply, type Request } from "./testing/fault-server.ts";

const key = "mr_test_key";
const findEvents = statement<[], { id: string; n: number; events: number }>(
  "test.find_sent_events",
  `SELECT id, (data->>'n')::int AS n, count(*)::int AS events FROM telemetry_events
    WHERE source = '/client' GROUP BY id, data->>'n' ORDER BY n`,
);

test("through faults of every kind, what the client counts as accepted is in PostgreSQL once", async () => {
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await createTestDatabase());
  const api = await startMillrace(parts, database.url);
  const replies: Reply[] = [
    { status: 503, headers: { "retry-after": "0" } },
    { status: 429, headers: { ratelimit: '"default";r=0;t=0' } },
    { status: 413 },
    { status: 500 },
  ];
  // Each fault at least once, and then as chance has it.
  const faultOrNone = fc.constantFrom(...faults, ...replies, undefined);
  const [chosen = []] = fc.sample(fc.array(faultOrNone, { minLength: 40, maxLength: 40 }), {
    numRuns: 1,
    seed: 20261124,
  });
  const proxy = parts.use(
    await createFaultServer((request) => forward(request, api), [...faults, ...replies, ...chosen].values()),
  );

  const sent = 2_000;
  const rejected: MillraceEvent[] = [];
  const client = createClient({
    url: proxy.url,
    key,
    maxBatchEvents: 60,
    maxInFlight: 2,
    lingerMs: 5,
    retryBaseMs: 5,
    timeoutMs: 1_000, // of a real API on a busy machine; a stall costs as much
    overflow: "block",
    maxBufferEvents: 300,
    onRejected: (event) => rejected.push(event),
    onError: () => {},
  });
  for (let n = 0; n < sent; n += 1) {
    const time = n % 100 === 7 ? { time: "yesterday" } : {};
    await client.send({ source: "/client", type: "test.sent", data: { n }, ...time });
  }
  const stats = await client.close({ timeoutMs: 60_000 });

  expect(stats).toMatchObject({ sent, queued: 0, accepted: sent - 20, rejected: 20, dropped: 0 });
  expect(stats.retries).toBeGreaterThan(8);
  expect(rejected).toHaveLength(20);
  const expected = Array.from({ length: sent }, (_, n) => n).filter((n) => n % 100 !== 7);
  await expect.poll(() => storedIn(database.db), { timeout: 20_000 }).toEqual(expected.map((n) => ({ n, events: 1 })));
}, 120_000);

/** The real API and a real worker as processes of their own; the API's URL. */
async function startMillrace(parts: AsyncDisposableStack, databaseUrl: string): Promise<string> {
  const redis = parts.use(await createTestRedis());
  const environment = {
    DATABASE_URL: databaseUrl,
    QUEUE_REDIS_URL: redis.url,
    QUEUE_PREFIX: redis.prefix,
    LOG_LEVEL: "warn",
  };
  const run = (app: string, others: Record<string, string>) =>
    parts.use(runService({ command: ["node", `apps/${app}/src/main.ts`], environment }, others));
  const api = run("api", { PORT: "0", DEVELOPMENT_KEY: key });
  const worker = run("worker", {});
  const [{ url }] = await Promise.all([api.ready, worker.ready]);
  if (url === undefined) throw new Error("The API did not say where it listens");
  return url;
}

async function forward({ method, path, headers, body }: Request, to: string): Promise<Reply> {
  const { authorization = "", "content-type": type = "", "content-encoding": encoding } = headers;
  const response = await fetch(new URL(path, to), {
    method,
    headers: {
      authorization,
      "content-type": type,
      ...(encoding === undefined ? {} : { "content-encoding": encoding }),
    },
    body: new Uint8Array(body),
  });
  return { status: response.status, body: await response.json() };
}

async function storedIn(db: Postgres): Promise<{ n: number; events: number }[]> {
  const rows = await db.rows(findEvents, []);
  return rows.map(({ n, events }) => ({ n, events }));
}
