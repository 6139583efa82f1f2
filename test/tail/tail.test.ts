import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import { type EventSourceMessage, EventSourceParserStream } from "eventsource-parser/stream";
import { expect, test } from "vitest";
import { runService } from "../compose/service-process.ts";

const authorization = "Bearer millrace-test";

test("what is posted to the API is seen on its tail once a worker has committed it; SIGTERM ends the tail", async () => {
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await createTestDatabase());
  const redis = parts.use(await createTestRedis());
  const environment = {
    DATABASE_URL: database.url,
    QUEUE_REDIS_URL: redis.url,
    CACHE_REDIS_URL: redis.url,
    QUEUE_PREFIX: redis.prefix,
    LOG_LEVEL: "warn",
  };
  const run = (app: string, others: Record<string, string> = {}) =>
    parts.use(runService({ command: ["node", `apps/${app}/src/main.ts`], environment }, others));
  const api = run("api", { PORT: "0", DEVELOPMENT_KEY: "millrace-test" });
  const [{ url }] = await Promise.all([api.ready, run("worker").ready]);
  const events = `${url}/v1/events`;
  const post = async (event: object): Promise<number> => {
    const headers = { authorization, "content-type": "application/json" };
    return (await fetch(events, { method: "POST", headers, body: JSON.stringify(event) })).status;
  };

  const query = new URLSearchParams({ source: "/tail", data: '{"wanted":true}' });
  const response = await fetch(`${events}/tail?${query}`, { headers: { authorization } });
  expect(response.status).toBe(200);
  const messages: EventSourceMessage[] = [];
  const text = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  const ended = (async () => {
    for await (const message of text ?? []) messages.push(message);
  })();

  let n = 0;
  const shown = () => messages.filter(({ event }) => event === undefined).map(({ data }) => JSON.parse(data));
  await expect
    .poll(
      async () => {
        n += 1;
        expect(await post({ source: "/tail", type: "t", data: { n, wanted: n % 2 === 0 } })).toBe(202);
        return shown().length;
      },
      { timeout: 20_000, interval: 50 },
    )
    .toBeGreaterThan(2);
  for (const event of shown()) {
    expect(event.data.wanted).toBe(true);
    const stored = await fetch(`${events}/${event.id}`, { headers: { authorization } });
    expect([stored.status, await stored.json()]).toEqual([200, event]);
  }

  api.stop();
  expect(await api.ended).toMatchObject({ code: 0 });
  await ended;
  expect(messages.at(-1)).toMatchObject({ event: "end", data: '{"reason":"closing"}' });
}, 60_000);
