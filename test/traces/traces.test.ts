import { once } from "node:events";
import { createServer } from "node:net";
import { statement } from "@millrace/db";
import { freePort } from "@millrace/embedded/testing";
import { expect, test, vi } from "vitest";
import { type Api, startFleet } from "../domain/fleet.ts";
import { linesOf } from "../logs/log-lines.ts";
import { type ReceivedSpan, spansIn, treeOf } from "./received-spans.ts";

// Each starts several processes.
vi.setConfig({ testTimeout: 90_000 });

const storedEvents = statement<[], { n: number }>(
  "test.stored",
  "SELECT count(*)::int AS n FROM telemetry_events WHERE type = 'traced'",
);
const event = { source: "test", type: "traced" };
const address = `0x${"cd".repeat(20)}`;
const sender = "b7ad6b7169203331";
const traceparent = (traceId: string, flags = "01") => ({ traceparent: `00-${traceId}-${sender}-${flags}` });
const traceIdOf = (n: number) => n.toString(16).padStart(32, "0");

type Fleet = Awaited<ReturnType<typeof startFleet>>;

/** Spans go to another fleet, which takes them in like anybody's. */
const exportTo = ({ apis: [api] }: Fleet) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: api?.url ?? "",
  OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20millrace-test",
});

async function stop({ apis, workers }: Fleet): Promise<(number | null)[]> {
  const processes = [...apis.map(({ process }) => process), ...workers];
  for (const process of processes) process.stop();
  return await Promise.all(processes.map(async ({ ended }) => (await ended).code));
}

function find(spans: readonly ReceivedSpan[], traceId: string, name: string): ReceivedSpan {
  const found = spans.find((span) => span.traceId === traceId && span.name === name);
  if (found === undefined) throw new Error(`No span ${name} in ${JSON.stringify(spans.map((span) => span.name))}`);
  return found;
}

test("one trace goes from the sender's span over the POST and the queue to the COMMIT, for events and for writes", async () => {
  await using receiver = await startFleet();
  await using fleet = await startFleet({
    environment: { ...exportTo(receiver), OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=te%20st" },
  });
  const [api] = fleet.apis as [Api];
  const [events, write, failed] = [traceIdOf(1), traceIdOf(2), traceIdOf(3)];
  const posted = await api.call("POST", "/v1/events", {
    body: [event, event],
    headers: { ...traceparent(events), tracestate: "vendor=x" },
  });
  expect(posted.status).toBe(202);
  const put = await api.call("PUT", `/v1/users/${address}`, {
    body: { display_name: "Ann" },
    headers: { ...traceparent(write), prefer: "wait=20" },
  });
  expect(put.status).toBe(200);
  expect((await api.call("GET", "/v1/events?limit=x&key=s3cret", { headers: traceparent(failed) })).status).toBe(400);
  await expect.poll(() => fleet.db.rows(storedEvents, []), { timeout: 10_000 }).toEqual([{ n: 2 }]);
  expect(await stop(fleet)).toEqual([0, 0]); // sends what is left

  await expect
    .poll(async () => treeOf(await spansIn(receiver.db), events), { timeout: 15_000 })
    .toEqual([
      "SERVER POST /v1/events",
      "  PRODUCER send ingest",
      "    CONSUMER process ingest",
      expect.stringMatching(/^ {6}CLIENT events\.copy$/),
    ]);
  const spans = await spansIn(receiver.db);
  expect(find(spans, events, "POST /v1/events")).toMatchObject({
    parentSpanId: sender,
    traceState: "vendor=x",
    attributes: { "http.route": "/v1/events", "http.request.method": "POST", "http.response.status_code": 202 },
    resource: {
      attributes: {
        "service.name": "millrace-api",
        "deployment.environment.name": "te st",
        "telemetry.sdk.name": "opentelemetry",
      },
    },
  });
  const consumer = find(spans, events, "process ingest");
  expect(consumer).toMatchObject({
    attributes: { "messaging.system": "bullmq", "messaging.destination.name": "ingest", "messaging.message.id": "1" },
    resource: { attributes: { "service.name": "millrace-worker" } },
  });
  const copy = find(spans, events, "events.copy");
  expect(copy.attributes).toMatchObject({
    "db.system.name": "postgresql",
    "db.operation.name": "COPY",
    "db.response.returned_rows": 2,
  });
  expect(BigInt(consumer.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(copy.endTimeUnixNano)); // which is its COMMIT

  const tree = treeOf(spans, write);
  expect(tree.slice(0, 3)).toEqual([
    "SERVER PUT /v1/users/:address",
    "  PRODUCER send writes",
    "    CONSUMER process writes",
  ]);
  expect(tree).toContain("      CLIENT users.save_many");
  expect(tree.filter((line) => line.startsWith("      ")).at(-1)).toBe("      CLIENT COMMIT");
  expect(treeOf(spans, failed)).toEqual(["SERVER GET /v1/events"]);
  expect(JSON.stringify(spans)).not.toMatch(/s3cret|millrace-test/);
});

test("requests that share a batch end each in their own trace, with links to the batch's", async () => {
  await using receiver = await startFleet();
  await using fleet = await startFleet({
    environment: { ...exportTo(receiver), INGEST_LINGER_MS: "500", INGEST_BATCH_WAIT_MS: "2000" },
  });
  const [api] = fleet.apis as [Api];
  const traces = [1, 2, 3].map(traceIdOf);
  await Promise.all(traces.map((id) => api.call("POST", "/v1/events", { body: event, headers: traceparent(id) })));
  await expect.poll(() => fleet.db.rows(storedEvents, []), { timeout: 10_000 }).toEqual([{ n: 3 }]);
  await stop(fleet);
  await expect.poll(async () => (await spansIn(receiver.db)).length, { timeout: 15_000 }).toBe(3 * 3 + 2);

  const spans = await spansIn(receiver.db);
  const batch = spans.find(({ name, parentSpanId }) => name === "process ingest" && parentSpanId === undefined);
  expect(treeOf(spans, batch?.traceId ?? "")).toEqual(["CONSUMER process ingest", "  CLIENT events.copy"]);
  const producers = traces.map((id) => find(spans, id, "send ingest"));
  expect(batch?.links?.map((link) => link.spanId).toSorted()).toEqual(producers.map(({ spanId }) => spanId).toSorted());
  for (const [n, id] of traces.entries()) {
    expect(find(spans, id, "process ingest")).toMatchObject({
      parentSpanId: producers[n]?.spanId,
      links: [{ traceId: batch?.traceId, spanId: batch?.spanId }],
      endTimeUnixNano: expect.any(String),
    });
  }
});

test("a trace that its sender does not record is not recorded here, and with always_off none is", async () => {
  await using receiver = await startFleet();
  const sendTo = async (environment: Readonly<Record<string, string>>, ids: readonly [string, string][]) => {
    await using fleet = await startFleet({ environment: { ...exportTo(receiver), ...environment } });
    const [api] = fleet.apis as [Api];
    for (const [id, flags] of ids) {
      await api.call("POST", "/v1/events", { body: event, headers: traceparent(id, flags) });
    }
    await stop(fleet);
  };
  await Promise.all([
    sendTo({ OTEL_TRACES_SAMPLER: "always_off" }, [[traceIdOf(1), "01"]]),
    sendTo({ OTEL_SDK_DISABLED: "true" }, [[traceIdOf(2), "01"]]),
    sendTo({}, [
      [traceIdOf(3), "00"],
      [traceIdOf(4), "01"],
    ]),
  ]);
  await expect
    .poll(async () => new Set((await spansIn(receiver.db)).map(({ traceId }) => traceId)), { timeout: 15_000 })
    .toEqual(new Set([traceIdOf(4)]));
});

test.each(["away", "silent"])("with an exporter's end that is %s nothing is lost and nothing hangs", async (fault) => {
  await using parts = new AsyncDisposableStack();
  const port = fault === "away" ? await freePort() : await silentPort(parts);
  const fleet = parts.use(
    await startFleet({
      environment: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:s3cret@127.0.0.1:${port}`,
        OTEL_EXPORTER_OTLP_TIMEOUT: "1000",
        LOG_LEVEL: "warn",
      },
    }),
  );
  const [api] = fleet.apis as [Api];
  for (let n = 0; n < 20; n += 1) {
    expect((await api.call("POST", "/v1/events", { body: event, headers: traceparent(traceIdOf(n + 1)) })).status).toBe(
      202,
    );
  }
  await expect.poll(() => fleet.db.rows(storedEvents, []), { timeout: 10_000 }).toEqual([{ n: 20 }]);
  const startedAt = performance.now();
  expect(await stop(fleet)).toEqual([0, 0]);
  expect(performance.now() - startedAt).toBeLessThan(10_000); // its grace is longer
  const { output } = await api.process.ended;
  const told = linesOf(output).filter(({ msg }) => msg === "traces cannot be sent and are thrown away");
  expect(told).toHaveLength(1);
  expect(output).not.toContain("s3cret");
});

test("a fleet that sends its traces to itself does not trace that it took them in", async () => {
  const port = await freePort();
  await using fleet = await startFleet({
    environment: {
      PORT: `${port}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20millrace-test",
    },
  });
  const [api] = fleet.apis as [Api];
  for (const n of [1, 2]) {
    await api.call("POST", "/v1/events", { body: event, headers: traceparent(traceIdOf(n)) });
    // The span of the first one has been sent, and stored, before the second one is.
    await expect
      .poll(async () => treeOf(await spansIn(fleet.db), traceIdOf(n)), { timeout: 15_000 })
      .toEqual([
        "SERVER POST /v1/events",
        "  PRODUCER send ingest",
        "    CONSUMER process ingest",
        "      CLIENT events.copy",
      ]);
  }
  const traces = new Set((await spansIn(fleet.db)).map(({ traceId }) => traceId));
  expect(traces).toEqual(new Set([traceIdOf(1), traceIdOf(2)]));
});

async function silentPort(parts: AsyncDisposableStack): Promise<number> {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  parts.defer(() => void server.close());
  const place = server.address();
  if (typeof place !== "object" || place === null) throw new Error("No port");
  return place.port;
}
