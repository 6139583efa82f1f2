import { once } from "node:events";
import { connect } from "node:net";
import { statement } from "@millrace/db";
import { createTestDatabase, createTestRedis, freePort } from "@millrace/embedded/testing";
import { expect, test, vi } from "vitest";
import { runService, type ServiceProcess } from "../compose/service-process.ts";
import { linesOf } from "./log-lines.ts";
import { createAccounts, createMarks } from "./marked-secrets.ts";

// It starts ten processes, one after the other.
vi.setConfig({ testTimeout: 90_000 });

const address = `0x${"ef".repeat(20)}`;
const stored = statement<[], { n: number }>("test.stored", "SELECT count(*)::int AS n FROM telemetry_events");
const refuseEvents = statement<[], never>(
  "test.refuse_events",
  "ALTER TABLE telemetry_events ADD CONSTRAINT no_bad CHECK (type <> 'bad')",
);

test("no marked secret comes out in a log, on standard error, in metrics or in another's answer, whatever goes wrong", async () => {
  await using parts = new AsyncDisposableStack();
  const marks = createMarks();
  const database = parts.use(await createTestDatabase());
  const redis = parts.use(await createTestRedis());
  const accounts = parts.use(await createAccounts(database, redis, marks));
  await database.db.run(refuseEvents, []);
  const key = marks.mark("the development key");
  const closed = await freePort();
  const environment = {
    DATABASE_URL: accounts.databaseUrl,
    QUEUE_REDIS_URL: accounts.redisUrl,
    QUEUE_PREFIX: redis.prefix,
    LOG_LEVEL: "trace",
    ALERT_WEBHOOKS: `https://127.0.0.1:${closed}/${marks.mark("a webhook")},slack+https://127.0.0.1:${closed}/services/${marks.mark("Slack's webhook")}`,
    ALERT_WEBHOOK_SECRET: marks.mark("the webhooks' secret"),
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:${marks.mark("password of a collector")}@127.0.0.1:${closed}`,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${marks.mark("key of a collector")}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: "500",
  };
  const run = (app: string, others: Readonly<Record<string, string>> = {}): ServiceProcess =>
    parts.use(runService({ command: ["node", `apps/${app}/src/main.ts`], environment }, others));
  const opsPort = `${await freePort()}`;
  const worker = run("worker", { OPS_PORT: opsPort });
  await worker.ready;
  const api = run("api", { PORT: "0", DEVELOPMENT_KEY: key });
  const { url = "" } = await api.ready;

  const answers: string[] = [];
  const send = async (method: string, path: string, { body, headers }: Sent = {}): Promise<number> => {
    const answer = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, ...headers },
      ...(body !== undefined && { body }),
    });
    answers.push(JSON.stringify([...answer.headers]), await answer.text());
    return answer.status;
  };
  const json = { "content-type": "application/json" };
  const secretHeaders = (): Record<string, string> => ({
    cookie: `session=${marks.mark("a cookie")}`,
    "x-api-key": marks.mark("x-api-key"),
    "proxy-authorization": `Basic ${marks.mark("proxy-authorization")}`,
  });
  for (const authorization of ["Bearer ", "Basic ", "bearer mlr_", ""]) {
    const headers = { ...secretHeaders(), authorization: `${authorization}${marks.mark("a wrong key")}` };
    expect(await send("GET", "/v1/events", { headers })).toBe(401);
  }
  for (const path of [
    `/v1/nowhere?token=${marks.mark("a query")}`,
    `/v1/events?limit=x&cursor=${marks.mark("a cursor")}`,
  ]) {
    expect(await send("GET", path, { headers: secretHeaders() })).toBeGreaterThanOrEqual(400);
  }
  for (const path of [
    "/v1/events",
    "/v1/nonces",
    "/v1/nonces/consume",
    "/v1/sign-in",
    "/v1/logs",
    "/database/cache/clear",
  ]) {
    for (const wrap of [
      (secret: string) => `{"password":${secret}`,
      (secret: string) => JSON.stringify({ password: secret }),
    ]) {
      const body = wrap(marks.mark(`a body for ${path}`));
      expect(await send("POST", path, { body, headers: { ...json, ...secretHeaders() } })).toBeLessThan(500);
    }
  }
  const signIn = {
    message: `localhost wants you to sign in with your Ethereum account:\n${address}\n\nNonce: ${marks.mark("a nonce")}`,
    signature: `0x${Buffer.from(marks.mark("a signature").padEnd(65, "0")).toString("hex")}`,
  };
  expect(await send("POST", "/v1/sign-in", { body: JSON.stringify(signIn), headers: json })).toBeGreaterThanOrEqual(
    400,
  );
  await sendRaw(
    url,
    `GET /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${marks.mark("a broken request")}\r\nbroken\r\n\r\n`,
  );
  await sendRaw(url, `${marks.mark("no request at all")}\r\n\r\n`);

  const issued: string[] = [];
  const ownPage = { ...json, "sec-fetch-site": "same-origin", origin: url };
  const wrongKey = JSON.stringify({ key: marks.mark("a wrong key of a browser") });
  expect(await send("POST", "/session", { body: wrongKey, headers: ownPage })).toBe(401);
  const signedIn = await fetch(`${url}/session`, { method: "POST", body: JSON.stringify({ key }), headers: ownPage });
  expect(signedIn.status).toBe(204);
  issued.push(/=([^;]+)/.exec(signedIn.headers.get("set-cookie") ?? "")?.[1] ?? "");
  const nonce = await fetch(`${url}/v1/nonces`, {
    method: "POST",
    body: JSON.stringify({ address }),
    headers: { ...json, authorization: `Bearer ${key}` },
  });
  issued.push(((await nonce.json()) as { nonce: string }).nonce); // as documented
  for (const secret of issued) expect(secret.length).toBeGreaterThan(15);

  const events = (type: string) =>
    JSON.stringify(
      [1, 2].map(() => ({ source: "test", type, data: { password: marks.mark(`an event that is ${type}`) } })),
    );
  expect(await send("POST", "/v1/events", { body: events("good"), headers: json })).toBe(202);
  expect(await send("POST", "/v1/events", { body: events("bad"), headers: json })).toBe(202);
  await expect.poll(() => database.db.rows(stored, []), { timeout: 15_000 }).toEqual([{ n: 2 }]);
  // Connections go while events, writes and reads are under way, and come again.
  const written: Promise<number>[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const body = JSON.stringify({ display_name: marks.mark("a name") });
    written.push(
      send("POST", "/v1/events", { body: events("good"), headers: json }),
      send("PUT", `/v1/users/${address}`, { body, headers: { ...json, prefer: "wait=2" } }),
      send("GET", "/v1/events?limit=1"),
    );
    await accounts.endRedisConnections();
    await accounts.endConnections();
  }
  await Promise.all(written);
  const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
  expect(metrics.status).toBe(200);
  const metricsText = await metrics.text();

  const outputs: string[] = [];
  for (const process of [api, worker]) {
    process.stop();
    const { output, errors } = await process.ended;
    expect(linesOf(output).length).toBeGreaterThan(3); // it did log
    outputs.push(output, errors);
  }
  // Those who cannot begin say why.
  const { urlWith } = accounts;
  const wrong = marks.mark("a wrong password");
  for (const others of [
    { DATABASE_URL: urlWith(database.url, wrong).replace(/marked_\w+/, "nobody") },
    { DATABASE_URL: `postgres://user:${wrong}@127.0.0.1:${closed}/db` },
    { DATABASE_URL: `postgress://user:${wrong}@127.0.0.1/db` },
    { QUEUE_REDIS_URL: urlWith(redis.url, wrong) },
    { QUEUE_REDIS_URL: `redis://user:${wrong}@127.0.0.1:${closed}` },
    { QUEUE_REDIS_URL: `redis+cluster://user:${wrong}@127.0.0.1:${closed}`, CACHE_REDIS_URL: redis.url },
    { ALERT_WEBHOOK_SECRET: "short", ALERT_WEBHOOKS: `ftp://x/${wrong}` },
    { OTEL_EXPORTER_OTLP_HEADERS: `${wrong}%` },
  ]) {
    const { code, output, errors } = await run("worker", others).ended;
    expect([code === 0, `${output}${errors}`.length > 20]).toEqual([false, true]);
    outputs.push(output, errors);
  }
  expect(marks.foundIn(outputs.join("\n"))).toEqual([]);
  for (const secret of issued) expect(outputs.join("\n")).not.toContain(secret);
  expect(marks.foundIn(metricsText)).toEqual([]);
  expect(marks.foundIn(answers.join("\n")).filter((place) => !isOwn(place))).toEqual([]);
});

interface Sent {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What whoever sent it reads again: its own row. */
function isOwn(place: string): boolean {
  return place === "a name" || place.startsWith("an event");
}

async function sendRaw(url: string, text: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.resume();
  socket.write(text);
  await once(socket, "close");
}
