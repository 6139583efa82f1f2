import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createOtlpApp } from "./testing/post.ts";
import { attribute, bytesOf, double, fixed64, nested, type Part, raw, text, varint } from "./testing/protobuf.ts";

const example = (name: string): string => readFileSync(join(import.meta.dirname, "testing", name), "utf8");
const traceId = "5b8efff798038103d269b633813fc60c";
const spanId = "eee19b7ec3c1b174";

const protobufService = nested(1, attribute(1, "service.name", text(1, "a")));
const protobufLogs = (...records: readonly Part[]): Buffer =>
  bytesOf(nested(1, protobufService, nested(2, ...records)));
const jsonOf = (kind: "Logs" | "Spans" | "Metrics", records: string, list: string): string =>
  `{"resource${kind}":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scope${kind}":[{"${list}":[${records}]}]}]}`;
const jsonLogs = (records: string): string => jsonOf("Logs", records, "logRecords");
const jsonSpans = (records: string): string => jsonOf("Spans", records, "spans");
const repeated = (part: string, times: number): string => Array.from({ length: times }, () => part).join(",");

describe("the examples of the specification", () => {
  test("a log record becomes an event whose attributes are plain JSON", async () => {
    await using app = await createOtlpApp();
    const { status, type, events, json } = await app.post("/v1/logs", example("logs.json"));
    expect({ status, type, body: json() }).toEqual({ status: 200, type: "application/json", body: {} });
    expect(events).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        source: "/otel/my.service",
        type: "otel.log",
        subject: undefined,
        time: "2018-12-13T14:51:00.300000Z",
        data: {
          timeUnixNano: "1544712660300000000",
          observedTimeUnixNano: "1544712660300000000",
          severityNumber: 10,
          severityText: "Information",
          body: "Example log record",
          attributes: {
            "string.attribute": "some string",
            "boolean.attribute": true,
            "int.attribute": 10,
            "double.attribute": 637.704,
            "array.attribute": ["many", "values"],
            "map.attribute": { "some.map.key": "some value" },
          },
          traceId,
          spanId,
          resource: { attributes: { "service.name": "my.service" } },
          scope: {
            name: "my.library",
            version: "1.0.0",
            attributes: { "my.scope.attribute": "some scope attribute" },
          },
        },
      },
    ]);
  });

  test("an event's name is its subject", async () => {
    await using app = await createOtlpApp();
    const { events } = await app.post("/v1/logs", example("events.json"));
    expect(events).toMatchObject([{ type: "otel.log", subject: "browser.page_view", data: { body: { type: 0 } } }]);
  });

  test("a span is known by its ids", async () => {
    await using app = await createOtlpApp();
    const { events } = await app.post("/v1/traces", example("trace.json"));
    expect(events).toMatchObject([
      {
        id: `${traceId}-${spanId}`,
        type: "otel.span",
        subject: "I'm a server span",
        time: "2018-12-13T14:51:00.000000Z",
        data: { kind: "SERVER", parentSpanId: "eee19b7ec3c1b173", attributes: { "my.span.attr": "some value" } },
      },
    ]);
  });

  test("each data point of each type of metric becomes an event", async () => {
    await using app = await createOtlpApp();
    const { events } = await app.post("/v1/metrics", example("metrics.json"));
    expect(events.map(({ type, subject, data }) => ({ type, subject, data }))).toMatchObject([
      {
        subject: "my.counter",
        data: { metricType: "sum", aggregationTemporality: "DELTA", isMonotonic: true, value: 5 },
      },
      { subject: "my.gauge", data: { metricType: "gauge", value: 10, attributes: { "my.gauge.attr": "some value" } } },
      {
        subject: "my.histogram",
        data: { metricType: "histogram", count: 2, bucketCounts: [1, 1], explicitBounds: [1] },
      },
      {
        subject: "my.exponential.histogram",
        data: { scale: 0, zeroCount: 1, positive: { offset: 1, bucketCounts: [0, 2] }, max: 5 },
      },
    ]);
  });
});

describe("values", () => {
  const protobufRecord = nested(
    2,
    attribute(6, "int", varint(3, -(2n ** 63n))),
    attribute(6, "nan", double(4, Number.NaN)),
    attribute(6, "bytes", raw(7, "00ff")),
    attribute(6, "nothing"),
    attribute(6, "list", nested(5, nested(1, varint(2, 1)), nested(1, text(1, "")))),
    attribute(6, "__proto__", nested(6, attribute(1, "a", double(4, 0.5)))),
    text(3, "a\0b"),
    varint(2, 9),
    raw(9, traceId),
    fixed64(1, 1_544_712_660_300_000_001n),
    text(99, "a field of the future"),
  );
  const jsonRecord = `{"timeUnixNano":1544712660300000001,"severityNumber":"SEVERITY_NUMBER_INFO","severityText":"a\\u0000b",
    "traceId":"${traceId.toUpperCase()}","spanId":"","futureField":{"a":[1]},"body":null,"attributes":[
    {"key":"int","value":{"intValue":"-9223372036854775808"}},{"key":"nan","value":{"doubleValue":"NaN"}},
    {"key":"bytes","value":{"bytesValue":"AP8="}},{"key":"nothing"},
    {"key":"list","value":{"arrayValue":{"values":[{"boolValue":true},{"stringValue":""}]}}},
    {"key":"__proto__","value":{"kvlistValue":{"values":[{"key":"a","value":{"doubleValue":5e-1}}]}}}]}`;

  test("are the same row from JSON and from protobuf, whatever the order of the fields", async () => {
    await using app = await createOtlpApp();
    const [fromJson] = (await app.post("/v1/logs", jsonLogs(jsonRecord))).events;
    const [fromProtobuf] = (await app.post("/v1/logs", protobufLogs(protobufRecord))).events;
    expect(fromJson).toBeDefined();
    expect(fromProtobuf).toEqual(fromJson);
    expect(fromJson?.data).toMatchObject({
      timeUnixNano: "1544712660300000001",
      severityNumber: 9,
      severityText: "a\ufffdb",
      attributes: { nan: "NaN", bytes: "AP8=", nothing: null, list: [true, ""], ["__proto__"]: { a: 0.5 } },
    });
  });

  test("of 64 bits keep all their digits", async () => {
    await using app = await createOtlpApp();
    for (const body of [jsonLogs(jsonRecord), protobufLogs(protobufRecord)]) {
      const { rows } = await app.post("/v1/logs", body);
      expect(rows[0]).toContain('"int":-9223372036854775808,');
    }
  });

  test("a log record without a time has that of its observation, or else of its arrival", async () => {
    await using app = await createOtlpApp();
    const { events } = await app.post("/v1/logs", jsonLogs('{"observedTimeUnixNano":"1000"},{"timeUnixNano":0}'));
    expect(events[0]?.time).toBe("1970-01-01T00:00:00.000001Z");
    expect(Math.abs(Date.parse(events[1]?.time ?? "") - Date.now())).toBeLessThan(60_000);
  });
});

describe("an answer", () => {
  test("to an empty request is success", async () => {
    await using app = await createOtlpApp();
    for (const path of ["/v1/logs", "/v1/traces", "/v1/metrics"]) {
      const fromProtobuf = await app.post(path, Buffer.alloc(0));
      expect(fromProtobuf).toMatchObject({ status: 200, type: "application/x-protobuf", body: Buffer.alloc(0) });
      expect((await app.post(path, "{}")).json()).toEqual({});
    }
  });

  test("names what was rejected, and its neighbours are accepted", async () => {
    await using app = await createOtlpApp();
    const good = `{"traceId":"${traceId}","spanId":"${spanId}"}`;
    const large = `{"traceId":"${traceId}","spanId":"${spanId}","name":"${"x".repeat(5_000)}"}`;
    const reply = await app.post("/v1/traces", jsonSpans(`{"spanId":"${spanId}"},${good},${large},{"traceId":5}`));
    expect(reply.status).toBe(200);
    expect(reply.events).toHaveLength(1);
    expect(reply.json()).toEqual({
      partialSuccess: {
        rejectedSpans: "3",
        errorMessage: expect.stringMatching(
          /^3 spans will not be stored: .*traceId of 16 bytes.*4000 are allowed.*hexa/,
        ),
      },
    });
  });

  test("names what was rejected in protobuf too", async () => {
    await using app = await createOtlpApp();
    const records = [nested(2, text(3, "good")), nested(2, text(3, "x".repeat(5_000))), raw(2, "08")];
    const { status, body, events } = await app.post("/v1/logs", protobufLogs(...records));
    expect(status).toBe(200);
    expect(events).toHaveLength(1);
    const message = /\d log records will not be stored: .*$/s.exec(body.toString())?.[0] ?? "";
    expect(body).toEqual(bytesOf(nested(1, varint(1, 2), text(2, message))));
  });

  test.each([
    ["JSON that is none", "/v1/logs", "{", {}, 400, 3],
    ["no JSON at all", "/v1/logs", "", {}, 400, 3],
    ["a list", "/v1/logs", "[]", {}, 400, 3],
    ["resources that are no list", "/v1/logs", '{"resourceLogs":{}}', {}, 400, 3],
    ["a resource that is no object", "/v1/metrics", '{"resourceMetrics":[1]}', {}, 400, 3],
    ["only bad records", "/v1/traces", jsonSpans("{},{}"), {}, 400, 3],
    ["protobuf that ends early", "/v1/logs", Buffer.from("0aff", "hex"), {}, 400, 3],
    ["a field without an end", "/v1/logs", Buffer.from("0b", "hex"), {}, 400, 3],
    ["another encoding", "/v1/logs", "{}", { "content-encoding": "br" }, 415, 3],
    ["another content type", "/v1/logs", "{}", { "content-type": "text/plain" }, 415, 3],
    ["broken gzip", "/v1/logs", Buffer.from("x"), { "content-encoding": "gzip" }, 400, 3],
    ["too many records", "/v1/logs", jsonLogs(repeated("{}", 21)), {}, 413, 3],
    ["too many empty scopes", "/v1/logs", Buffer.from("0a00".repeat(70), "hex"), {}, 413, 3],
  ])("to %s is a google.rpc.Status in the request's content type", async (_what, path, body, headers, status, code) => {
    await using app = await createOtlpApp();
    const reply = await app.post(path, body, headers);
    expect(reply.status).toBe(status);
    if (typeof body === "string") {
      expect(reply.type).toBe("application/json");
      expect(reply.json()).toEqual({ code, message: expect.stringMatching(/\w/) });
    } else {
      expect(reply.type).toBe("application/x-protobuf");
      expect(reply.body.subarray(0, 2)).toEqual(bytesOf(varint(1, code)));
    }
    expect(reply.events).toEqual([]);
  });

  test("while the queue is away is 503 with Retry-After", async () => {
    await using app = await createOtlpApp({ isQueueAway: true });
    const reply = await app.post("/v1/logs", example("logs.json"));
    expect(reply).toMatchObject({ status: 503, retryAfter: "2" });
    expect(reply.json()).toMatchObject({ code: 14 });
  });

  test("to encoded bodies is that to plain ones, and a bomb is 413", async () => {
    await using app = await createOtlpApp();
    for (const [name, encode] of Object.entries({ gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync })) {
      const headers = { "content-encoding": name, "content-type": "application/x-protobuf" };
      const reply = await app.post("/v1/logs", encode(protobufLogs(nested(2, text(3, name)))), headers);
      expect(reply.events).toMatchObject([{ data: { severityText: name } }]);
      expect((await app.post("/v1/logs", encode(Buffer.alloc(10_000_000)), headers)).status).toBe(413);
    }
  });
});

describe("a request sent again", () => {
  test("gives the same rows, and equal records of one request stay apart", async () => {
    await using app = await createOtlpApp();
    const log = '{"timeUnixNano":"1544712660300000000","body":{"stringValue":"a"}}';
    const body = jsonLogs(`${log},${log},{"timeUnixNano":"1544712660300000001","body":{"stringValue":"a"}}`);
    const first = await app.post("/v1/logs", body);
    const ids = first.events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    expect(ids[1]).toBe(`${ids[0]}-2`);
    expect((await app.post("/v1/logs", body)).events).toEqual(first.events);
  });
});

describe("a request made to cost much", () => {
  test("with a resource that each of its records would repeat is refused", async () => {
    await using app = await createOtlpApp({ maxBodyBytes: 5_000 });
    const heavy = nested(1, attribute(1, "x", text(1, "y".repeat(3_000))));
    const records = Array.from({ length: 20 }, () => raw(2, ""));
    const reply = await app.post("/v1/logs", bytesOf(nested(1, heavy, nested(2, ...records))));
    expect(reply).toMatchObject({ status: 413, events: [] });
  });

  test("with values nested without end is refused, and they may be nested a little", async () => {
    await using app = await createOtlpApp();
    const deep = (depth: number) => {
      const open = '{"arrayValue":{"values":['.repeat(depth);
      return jsonLogs(`{"body":${open}${"]}}".repeat(depth)}}`);
    };
    const deepProtobuf = (depth: number) => {
      let value = bytesOf(text(1, ""));
      for (let at = 0; at < depth; at += 1)
        value = bytesOf(raw(5, bytesOf(raw(1, value.toString("hex"))).toString("hex")));
      return protobufLogs(nested(2, raw(5, value.toString("hex"))));
    };
    for (const make of [deep, deepProtobuf]) {
      expect((await app.post("/v1/logs", make(50))).status).toBe(200);
      for (const depth of [70, 400]) {
        expect(await app.post("/v1/logs", make(depth))).toMatchObject({ status: 400, events: [] });
      }
    }
    expect((await app.post("/v1/logs", `{"x":${"[".repeat(50_000)}`)).status).toBe(400);
  });
});
