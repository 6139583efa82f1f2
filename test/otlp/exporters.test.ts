import { createKey } from "@millrace/access";
import { type Db, statement } from "@millrace/db";
import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import { OTLPLogExporter as JsonLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPMetricExporter as JsonMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter as JsonTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { expect, test } from "vitest";
import { readComposeFile, serviceOf } from "../compose/compose-file.ts";
import { runService } from "../compose/service-process.ts";
import { recordTelemetry } from "./telemetry.ts";

const file = readComposeFile({ POSTGRES_PASSWORD: "a1b2c3" });
const storedEvents = statement<[], { id: string; source: string; type: string; subject: string | null; data: object }>(
  "test.stored_events",
  "SELECT id, source, type, subject, data FROM telemetry_events ORDER BY type, subject, id",
);
const storedMatching = statement<[string], { subject: string; time: string }>(
  "test.stored_matching",
  `SELECT subject, to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') AS time
    FROM telemetry_events WHERE data @> $1::jsonb`,
);

type Telemetry = Awaited<ReturnType<typeof recordTelemetry>>;

test.each([
  ["JSON first", exportJson, exportProtobuf],
  ["protobuf first", exportProtobuf, exportJson],
])("OpenTelemetry's exporters bring the same rows in both encodings, each once (%s)", async (_order, first, second) => {
  await using parts = new AsyncDisposableStack();
  const { db, url } = parts.use(await createTestDatabase());
  const redis = parts.use(await createTestRedis());
  const { key } = await createKey(db, { name: "otlp", scopes: ["ingest"] });
  const servers = { DATABASE_URL: url, QUEUE_REDIS_URL: redis.url, QUEUE_PREFIX: redis.prefix };
  const run = (name: string) =>
    parts.use(runService(serviceOf(file, name), { ...servers, PORT: "0", OPS_PORT: "0", HOST: "127.0.0.1" }));
  const api = run("api");
  const worker = run("worker");
  const { url: apiUrl } = await api.ready;
  if (apiUrl === undefined) throw new Error("The API did not say where it is");
  const telemetry = await recordTelemetry();
  const target = { url: apiUrl, headers: { authorization: `Bearer ${key}` } };

  const refused = await fetch(`${apiUrl}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", authorization: "Bearer unknown" },
  });
  expect([refused.status, refused.headers.get("content-type")]).toEqual([401, "application/x-protobuf"]);
  expect([...(await refused.bytes()).subarray(0, 2)]).toEqual([0x08, 16]); // the Status's code, UNAUTHENTICATED

  await first(target, telemetry);
  await expect.poll(async () => (await db.rows(storedEvents, [])).length, { timeout: 20_000 }).toBe(11);
  const rows = await db.rows(storedEvents, []);
  await second(target, telemetry);
  await first(target, telemetry);
  worker.stop(); // drains what it has; the queue has nothing else
  expect((await worker.ended).code).toBe(0);
  expect(await db.rows(storedEvents, [])).toEqual(rows);

  expect(new Set(rows.map(({ source }) => source))).toEqual(new Set(["/otel/shop/cart%20%C3%A4%C3%9F"]));
  expect(rows.map(({ type, subject }) => `${type} ${subject}`)).toEqual([
    "otel.log cart.emptied",
    ...Array.from({ length: 4 }, () => "otel.log null"),
    "otel.metric latency",
    "otel.metric latency.exponential",
    "otel.metric orders",
    "otel.metric temperature",
    "otel.span GET /cart",
    "otel.span SELECT",
  ]);
  expect(await matching(db, { attributes: { "http.response.status_code": 500 }, kind: "SERVER" })).toHaveLength(1);
  expect(
    await matching(db, { attributes: { nul: "a\ufffdb", big: Number.MAX_SAFE_INTEGER, cached: false, ratio: 0.25 } }),
  ).toHaveLength(1);
  expect(await matching(db, { body: { nested: { list: [{ deep: true }] }, bytes: "AQL/" } })).toHaveLength(1);
  expect(await matching(db, { timeUnixNano: "1790000000123456789", attributes: { sku: "x-1" } })).toEqual([
    { subject: null, time: "2026-09-21T14:13:20.123456" },
  ]);
  expect(await matching(db, { name: "orders", metricType: "sum", isMonotonic: true, value: 3 })).toHaveLength(1);
  expect(await matching(db, { name: "latency.exponential", count: 3, zeroCount: 1, max: 1_000 })).toHaveLength(1);
  expect(await matching(db, { scope: { name: "checkout", version: "1.2.3" }, status: { code: "ERROR" } })).toHaveLength(
    1,
  );
});

interface Target {
  readonly url: string;
  readonly headers: Record<string, string>;
}

async function exportJson({ url, headers }: Target, { spans, logs, metrics }: Telemetry): Promise<void> {
  await exported(new JsonTraceExporter({ url: `${url}/v1/traces`, headers }), spans);
  await exported(new JsonLogExporter({ url: `${url}/v1/logs`, headers }), logs);
  await exported(new JsonMetricExporter({ url: `${url}/v1/metrics`, headers }), metrics);
}

async function exportProtobuf({ url, headers }: Target, { spans, logs, metrics }: Telemetry): Promise<void> {
  await exported(new ProtobufTraceExporter({ url: `${url}/v1/traces`, headers }), spans);
  await exported(new ProtobufLogExporter({ url: `${url}/v1/logs`, headers }), logs);
  await exported(new ProtobufMetricExporter({ url: `${url}/v1/metrics`, headers }), metrics);
}

interface Exporter<T> {
  export(items: T, done: (result: { code: number; error?: Error }) => void): void;
  shutdown(): Promise<void>;
}

async function exported<T>(exporter: Exporter<T>, items: T): Promise<void> {
  const done = Promise.withResolvers<{ code: number; error?: Error }>();
  exporter.export(items, done.resolve);
  expect(await done.promise).toEqual({ code: 0 });
  await exporter.shutdown();
}

function matching(db: Db, data: object) {
  return db.rows(storedMatching, [JSON.stringify(data)]);
}
