import { domainCaseOf } from "./domain-cases.ts";
import type { FuzzCase } from "./fuzz-case.ts";
import { encode, mutate } from "./mutations.ts";
import { payloadOf } from "./payloads.ts";
import { randomOf } from "./random.ts";

/** The body that this number stands for; the same number and seed, the same body. */
export function caseOf(number: number, seed: number): FuzzCase {
  const random = randomOf((seed ^ Math.imul(number + 1, 0x9e3779b1)) | 0);
  if (random.below(4) === 0) return domainCaseOf(number, random);
  const choice = random.below(100);
  if (choice < 8) return queryOf(number, random.bytes(random.below(40)), random.below(1_000));
  const payload = payloadOf(number, random);
  const isSound = choice < 20;
  const isNoise = choice >= 95;
  const changed = isSound ? payload.body : isNoise ? random.bytes(random.below(2_000)) : mutate(payload.body, random);
  const { kind, encoding, body } = encode(changed, random);
  const type = isSound || random.below(10) > 0 ? payload.type : random.pick(wrongTypes);
  return {
    number,
    kind: isSound ? `sound, ${kind}` : `${isNoise ? "noise" : payload.kind}, ${kind}`,
    method: "POST",
    path: payload.path,
    headers: {
      ...(type === "" ? {} : { "content-type": type }),
      ...(encoding === undefined ? {} : { "content-encoding": encodeURI(encoding) }),
      ...(random.below(20) === 0 ? { "idempotency-key": `${number}` } : {}),
      ...(random.below(50) === 0 ? { "ce-specversion": "1.0", "ce-id": "\u00ff".repeat(random.below(300)) } : {}),
    },
    body,
    ids: isSound && (kind === "plain" || kind === "encoded") ? payload.ids : [],
  };
}

const wrongTypes: readonly [string, ...string[]] = [
  "",
  "text/plain",
  "application/xml",
  "application/json; charset=utf-16",
  "application/json; charset=💥".replace("💥", "%00"),
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/json, application/json",
  "*/*",
];

function queryOf(number: number, noise: Buffer, limit: number): FuzzCase {
  const text = encodeURIComponent(noise.toString("latin1"));
  const names = ["type", "source", "from", "to", "cursor", "limit", "data", "__proto__", "data[a][b]"];
  const name = encodeURIComponent(names[limit % names.length] ?? "type");
  return {
    number,
    kind: "query",
    method: "GET",
    path: `${limit % 2 === 0 ? "/v1/events" : "/v1/events/stats"}?${name}=${text}&limit=${limit - 500}`,
    headers: {},
    body: Buffer.alloc(0),
    ids: [],
  };
}
