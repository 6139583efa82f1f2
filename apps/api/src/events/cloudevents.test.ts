import { fieldsOf } from "@millrace/events";
import { CloudEvent, HTTP, type Message } from "cloudevents";
import { expect, test } from "vitest";
import { createIngestApp } from "./testing/ingest-app.ts";

/** Sends what the CloudEvents SDK made, and gives the rows that would go into the queue, as fields by name. */
async function send(messages: readonly { headers: Record<string, unknown>; body: unknown }[]) {
  const rows: Record<string, unknown>[] = [];
  await using app = await createIngestApp({
    push: async (pushed) => {
      for (const { row } of pushed) {
        const [id, source, type, subject, time, data, extensions] = fieldsOf(row);
        rows.push({ id, source, type, subject, time, data: parsed(data), extensions: parsed(extensions) });
      }
    },
  });
  const replies = [];
  for (const { headers, body } of messages) {
    const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    const payload = Buffer.isBuffer(body) ? body : String(body ?? "");
    const reply = await app.inject({ method: "POST", url: "/v1/events", headers: sent, payload });
    replies.push({ status: reply.statusCode, body: reply.json() });
  }
  return { rows, replies };
}

const parsed = (json: string | undefined): unknown => (json === undefined ? undefined : JSON.parse(json));

const event = new CloudEvent({
  id: "a b/ü€",
  source: "/plants/4",
  type: "press.cycle",
  subject: "Presse Süd",
  time: "2026-11-23T10:00:00.500Z",
  datacontenttype: "application/json",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  data: { milliseconds: 412.5, notes: ["ä"] },
});

const stored = {
  id: "a b/ü€",
  source: "/plants/4",
  type: "press.cycle",
  subject: "Presse Süd",
  time: "2026-11-23T10:00:00.500Z",
  data: { milliseconds: 412.5, notes: ["ä"] },
  extensions: { datacontenttype: "application/json", traceparent: event["traceparent"] },
};

test("an event of the CloudEvents SDK is the same row in each mode", async () => {
  const batch: Message = {
    headers: { "content-type": "application/cloudevents-batch+json" },
    body: JSON.stringify([event]),
  };
  for (const message of [HTTP.structured(event), HTTP.binary(event), batch]) {
    const { rows, replies } = await send([message]);
    expect(replies).toEqual([{ status: 202, body: { accepted: 1, rejected: [] } }]);
    expect(rows).toEqual([{ ...stored, time: expect.stringMatching(/^2026-11-23T10:00:00\.500(000)?Z$/) }]);
  }
});

const binary = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t" };

test("a binary event may have a body of any type, or none", async () => {
  const bytes = Buffer.from([0, 255, 10]);
  const { rows, replies } = await send([
    { headers: { ...binary, "content-type": "text/plain; charset=utf-8" }, body: "line\nline" },
    { headers: { ...binary, "content-type": "application/octet-stream" }, body: bytes },
    { headers: { ...binary, "content-type": "application/vnd.acme+json" }, body: '{"n":12345678901234567890}' },
    { headers: binary, body: undefined },
  ]);
  expect(replies.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
  expect(rows.map(({ data, extensions }) => ({ data, extensions }))).toEqual([
    { data: "line\nline", extensions: { datacontenttype: "text/plain; charset=utf-8" } },
    {
      data: undefined,
      extensions: { datacontenttype: "application/octet-stream", data_base64: bytes.toString("base64") },
    },
    { data: expect.anything(), extensions: { datacontenttype: "application/vnd.acme+json" } },
    { data: undefined, extensions: undefined },
  ]);
});

test("what is no CloudEvent in its mode is refused with the reason", async () => {
  const json = JSON.stringify({ specversion: "1.0", id: "1", source: "/s", type: "t" });
  const { replies } = await send([
    { headers: { "content-type": "application/cloudevents+json" }, body: `[${json}]` },
    { headers: { "content-type": "application/cloudevents-batch+json" }, body: json },
    { headers: { ...binary, "ce-specversion": "0.3" }, body: undefined },
    { headers: { ...binary, "ce-subject": "%E4" }, body: undefined },
    { headers: { ...binary, "content-type": "application/json" }, body: "{no" },
    { headers: { "content-type": "text/plain" }, body: "hello" },
  ]);
  expect(replies.map(({ status }) => status)).toEqual([422, 422, 400, 400, 400, 415]);
  expect(replies.slice(2, 5).map(({ body }) => body.rejected[0].code)).toEqual([
    "unsupported_specversion",
    "invalid_attribute",
    "invalid_json",
  ]);
});
