import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { root } from "../compose/compose-file.ts";
import type { Random } from "./random.ts";

export interface Payload {
  readonly kind: string;
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
  /** `id`, tab, `source` of events that must be stored if all of this, unchanged, is accepted. */
  readonly ids: readonly string[];
}

/** Stands in every source that a payload of this number leads to. */
export function markOf(number: number): string {
  return `fz-${number}-${Math.imul(number + 1, 0x9e3779b1) >>> 0}-`;
}

/** The payload whose mark stands in a source, unless the mark was mutated. */
export function numberIn(source: string): number | undefined {
  const number = Number(/fz-(\d+)-/.exec(source)?.[1]);
  return source.includes(markOf(number)) ? number : undefined;
}

const kinds = ["native", "ndjson", "structured", "batched", "otlp json", "otlp protobuf"] as const;
const signals = ["logs", "traces", "metrics"] as const;
const files = { logs: "logs.json", traces: "trace.json", metrics: "metrics.json" } as const;
const examples = new Map(
  signals.map((signal) => [signal, readFileSync(join(root, "apps/api/src/otlp/testing", files[signal]), "utf8")]),
);

/** A payload that real clients send, with data of any shape. */
export function payloadOf(number: number, random: Random): Payload {
  const kind = random.pick(kinds);
  const source = `/${markOf(number)}`;
  const count = kind === "structured" ? 1 : 1 + random.below(5);
  const anyData = fc.jsonValue({ maxDepth: 4, stringUnit: "binary" });
  const data = fc.sample(anyData, { seed: number, numRuns: count });
  const cloud = kind === "structured" || kind === "batched" ? { specversion: "1.0" } : {};
  const events = data.map((data, index) => ({
    ...cloud,
    id: `${number}-${index}`,
    source,
    type: "fuzz",
    time: "2026-11-01T12:00:00Z", // so that a second try of a request changes nothing
    data,
  }));
  const ids = events.map(({ id, source }) => `${id}\t${source}`);
  const path = "/v1/events";
  switch (kind) {
    case "native":
      return { kind, path, type: "application/json", body: json(events), ids };
    case "ndjson":
      return { kind, path, type: "application/x-ndjson", body: Buffer.from(events.map(textOf).join("\n")), ids };
    case "structured":
      return { kind, path, type: "application/cloudevents+json", body: json(events[0]), ids };
    case "batched":
      return { kind, path, type: "application/cloudevents-batch+json", body: json(events), ids };
    case "otlp json": {
      const signal = random.pick(signals);
      const text = (examples.get(signal) ?? "").replaceAll(/my\.service/g, markOf(number));
      return { kind, path: `/v1/${signal}`, type: "application/json", body: Buffer.from(text), ids: [] };
    }
    case "otlp protobuf": {
      const signal = random.pick(signals);
      const body = exportOf(signal, markOf(number), number);
      return { kind, path: `/v1/${signal}`, type: "application/x-protobuf", body, ids: [] };
    }
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(textOf(value));
}

function textOf(value: unknown): string {
  return JSON.stringify(value);
}

/** A small export request of OTLP 1.x; the numbers are those of opentelemetry-proto. */
function exportOf(signal: (typeof signals)[number], serviceName: string, number: number): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE(1_790_000_000_000_000_000n);
  const id = (length: number): Buffer => {
    const bytes = Buffer.alloc(length, 7);
    bytes.writeUInt32BE(number);
    return bytes;
  };
  const record = {
    logs: () => [fixed64(1, time), field(5, field(1, Buffer.from("fuzz")))],
    traces: () => [field(1, id(16)), field(2, id(8)), field(5, Buffer.from("fuzz")), fixed64(7, time)],
    metrics: () => [field(1, Buffer.from("fuzz")), field(5, field(1, fixed64(3, time), fixed64(4, Buffer.alloc(8))))],
  }[signal]();
  const service = field(1, field(1, Buffer.from("service.name")), field(2, field(1, Buffer.from(serviceName))));
  return field(1, field(1, service), field(2, field(2, ...record)));
}

function field(number: number, ...content: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(content);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function fixed64(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | 1), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}
