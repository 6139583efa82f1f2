import { gzipSync, zstdCompressSync } from "node:zlib";
import type { InjectOptions } from "fastify";
import { expect, test } from "vitest";
import type { IngestRow } from "./ingest-buffer.ts";
import { createIngestApp } from "./testing/ingest-app.ts";

/** The route with a buffer that remembers what would go to the queue. */
async function post(payload: string | Buffer, headers: Record<string, string> = {}) {
  const pushed: IngestRow[] = [];
  await using app = await createIngestApp({ push: async (rows) => void pushed.push(...rows) });
  const request: InjectOptions = {
    method: "POST",
    url: "/v1/events",
    headers: { "content-type": "application/json", ...headers },
    payload,
  };
  const reply = await app.inject(request);
  return { status: reply.statusCode, type: reply.headers["content-type"], body: reply.json(), pushed };
}

const event = (id: string) => ({ id, source: "/s", type: "t" });
const good = JSON.stringify([event("a"), event("b")]);

test("one event, an array and NDJSON are taken, plain or encoded", async () => {
  expect(await post(JSON.stringify(event("a")))).toMatchObject({ status: 202, body: { accepted: 1, rejected: [] } });
  for (const [encoding, encode] of [
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ] as const) {
    const reply = await post(encode(Buffer.from(good)), { "content-encoding": encoding });
    expect(reply).toMatchObject({ status: 202, body: { accepted: 2 } });
    expect(reply.pushed).toHaveLength(2);
  }
  const ndjson = `${JSON.stringify(event("a"))}\n\n{"no\n${JSON.stringify(event("b"))}\n`;
  expect(await post(ndjson, { "content-type": "application/x-ndjson" })).toMatchObject({
    status: 202,
    body: { accepted: 2, rejected: [{ index: 1, code: "invalid_json" }] },
  });
});

test("bad events are named and the good ones go on; none that is good is a 400", async () => {
  const mixed = await post(JSON.stringify([{ type: "t" }, event("a"), 7]));
  expect(mixed.body).toMatchObject({
    accepted: 1,
    rejected: [
      { index: 0, code: "missing_attribute" },
      { index: 2, code: "invalid_event" },
    ],
  });
  expect(mixed.pushed).toHaveLength(1);
  const bad = await post(JSON.stringify([{ type: "t" }]));
  expect(bad).toMatchObject({
    status: 400,
    type: expect.stringContaining("application/problem+json"),
    body: { accepted: 0, rejected: [{ index: 0 }] },
  });
});

test.each([
  ["text that is no JSON", "{", {}, 400, "invalid_json"],
  ["nothing", "", {}, 400, "empty_body"],
  ["bytes that are no UTF-8", Buffer.from([0x22, 0xff, 0x22]), {}, 400, "invalid_encoding"],
  ["gzip that is none", good, { "content-encoding": "gzip" }, 400, "invalid_encoding"],
  ["a number", "7", {}, 422, "not_an_event"],
  ["an empty array", "[]", {}, 422, "no_events"],
  ["six events where five are allowed", JSON.stringify(Array(6).fill(event("a"))), {}, 413, "too_many_events"],
  ["a body above the limit", " ".repeat(10_001), {}, 413, "body_too_large"],
  [
    "a small body that unpacks to a large one",
    gzipSync(" ".repeat(1_000_000)),
    { "content-encoding": "gzip" },
    413,
    "body_too_large",
  ],
  ["another media type", good, { "content-type": "text/plain" }, 415, "unsupported_media_type"],
  ["another encoding", good, { "content-encoding": "compress" }, 415, "unsupported_content_encoding"],
])("%s is answered with a problem", async (_what, payload, headers, status, code) => {
  const reply = await post(payload, headers);
  expect(reply).toMatchObject({ status, body: { status, type: `/problems/${code}` } });
  expect(reply.pushed).toEqual([]);
});
