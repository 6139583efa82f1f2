import fc from "fast-check";
import type { FuzzCase } from "./fuzz-case.ts";
import { mutate, tokens } from "./mutations.ts";
import type { Random } from "./random.ts";

interface Call {
  readonly method: FuzzCase["method"];
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Few, so that calls meet each other's rows. */
const addresses = [
  "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
  "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
  "0xFB6916095CA1DF60BB79CE92CE3EA74C37C5D359",
  "0x00000000000000000000000000000000000000aa",
] as const;
const ids = ["00000000-0000-4000-8000-000000000001", "019AC000-0000-7000-8000-000000000002"] as const;
const wrongNames = [
  "0x",
  "0X5aAEB6053F3E94C9b9A09f33669435E7Ef1BeAed",
  "..",
  "%00",
  "%",
  "*",
  "-1",
  "'--",
  "a".repeat(5_000),
];
const namespaces = ["users", "sessions", "blocks", "nothing", "__proto__"] as const;

/** A sound call of one of the domain's routes. */
function callOf(number: number, random: Random): Call {
  const [one, other] = [random.pick(addresses), random.pick(addresses)];
  const id = random.pick(ids);
  const text = fc.sample(fc.string({ unit: "binary", maxLength: 40 }), { seed: number, numRuns: 1 })[0] ?? "";
  const profile = fc.sample(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), { seed: number, numRuns: 1 })[0];
  const page = { limit: String(1 + random.below(50)) };
  const calls: readonly [Call, ...Call[]] = [
    { method: "PUT", path: `/v1/users/${one}`, body: { display_name: `n${text}`, profile } },
    { method: "GET", path: `/v1/users/${one}` },
    { method: "PUT", path: `/v1/balances/${one}/wei`, body: { amount: String(random.below(1e9)) } },
    { method: "GET", path: `/v1/balances/${one}/wei` },
    { method: "GET", path: `/v1/balances/${one}` },
    { method: "POST", path: "/v1/sessions", body: { a_addr: one, b_addr: other, expires_in: 60 } },
    { method: "GET", path: "/v1/sessions", query: { address: one, state: "active", ...page } },
    { method: "GET", path: "/v1/sessions/stats", query: { days: "7" } },
    { method: "GET", path: `/v1/sessions/${id}` },
    { method: "POST", path: `/v1/sessions/${id}/start`, body: { expires_in: 60 } },
    { method: "POST", path: `/v1/sessions/${id}/end`, body: { reason: `r${text}` } },
    { method: "POST", path: "/v1/reports", body: { reporter: one, reported: other, category: "spam", details: text } },
    { method: "GET", path: "/v1/reports", query: { status: "open", ...page } },
    { method: "GET", path: "/v1/reports/stats", query: { days: "30" } },
    { method: "PATCH", path: `/v1/reports/${id}`, body: { status: "resolved" } },
    { method: "PUT", path: `/v1/blocks/${one}/${other}`, body: { reason: `r${text}` } },
    { method: "DELETE", path: `/v1/blocks/${one}/${other}` },
    { method: "GET", path: "/v1/blocks", query: { blocker: one, ...page } },
    { method: "GET", path: "/v1/blocks/check", query: { one, other } },
    { method: "POST", path: "/v1/nonces", body: { address: one } },
    { method: "POST", path: "/v1/nonces/consume", body: { address: one, nonce: `n${text}` } },
    { method: "POST", path: "/v1/sign-in", body: { message: `m${text}`, signature: `0x${"0a".repeat(65)}` } },
    { method: "GET", path: `/v1/writes/${id}` },
    { method: "POST", path: "/database/cache/clear", body: { namespace: random.pick(namespaces), pattern: "*" } },
    { method: "GET", path: "/database/cache-stats" },
  ];
  return random.pick(calls);
}

/** A call of the domain, as clients make it or with its path, query, headers or body changed. */
export function domainCaseOf(number: number, random: Random): FuzzCase {
  const call = callOf(number, random);
  const isSound = random.below(3) === 0;
  const body = call.body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(call.body));
  const isBodyChanged = !isSound && random.below(2) === 0;
  return {
    number,
    kind: isSound ? "domain, sound" : "domain",
    method: call.method,
    path: `${isSound ? call.path : changedPath(call.path, random)}${queryOf(call.query, isSound, random)}`,
    headers: {
      ...(body.length > 0 && { "content-type": "application/json" }),
      ...(random.below(10) === 0 && { prefer: random.pick(["wait=1", "wait=99999999", "wait=-1", "wait="]) }),
      ...(random.below(10) === 0 && { "if-match": random.pick(['"1"', "*", 'W/"1"', '"99999999999999999999"', "1"]) }),
      ...(random.below(10) === 0 && { "if-none-match": random.pick(["*", '"1"', ",,,", '"'.repeat(500)]) }),
      ...(random.below(10) === 0 && { "idempotency-key": String(random.below(50)) }),
    },
    body: isBodyChanged ? mutate(body, random) : body,
    ids: [],
  };
}

function changedPath(path: string, random: Random): string {
  if (random.below(3) > 0) return path;
  const parts = path.split("/");
  const noise = [...wrongNames, encodeURIComponent(random.bytes(random.below(20)).toString("latin1"))];
  parts[1 + random.below(parts.length - 1)] = noise[random.below(noise.length)] ?? "";
  return parts.join("/");
}

function queryOf(query: Call["query"], isSound: boolean, random: Random): string {
  const all = { ...query };
  if (!isSound && random.below(3) === 0) {
    const names = [...Object.keys(all), "limit", "cursor", "from", "state", "__proto__", "a[b]"];
    all[names[random.below(names.length)] ?? "limit"] = random.pick(tokens);
  }
  const text = Object.entries(all).map(([name, value]) => `${encodeURIComponent(name)}=${encoded(value)}`);
  return text.length === 0 ? "" : `?${text.join("&")}`;
}

/** Lone surrogates cannot be encoded. */
function encoded(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}
