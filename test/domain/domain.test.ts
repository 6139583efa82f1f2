import { setTimeout as sleep } from "node:timers/promises";
import { createKey } from "@millrace/access";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { createSiweMessage } from "viem/siwe";
import { expect, test } from "vitest";
import { type Answer, type Api, startFleet } from "./fleet.ts";

const [ann, bob, eve] = ["a1", "b0", "e7"].map((pair) => `0x${pair.repeat(20)}`) as [string, string, string];
const waiting = { prefer: "wait=10" };

/** Asks what became of a queued write until it is finished. */
async function finished(api: Api, { headers }: Answer): Promise<Answer["body"]> {
  for (;;) {
    const { body } = await api.call("GET", headers.get("location") ?? "");
    if (body["status"] !== "queued") return body;
    await sleep(20);
  }
}

test("a write is queued, told of, applied once, and read by every process", async () => {
  await using fleet = await startFleet({ apis: 2, workers: 2 });
  const [one, other] = fleet.apis as [Api, Api];
  expect((await one.call("GET", `/v1/users/${ann}`)).status).toBe(404);
  expect((await other.call("GET", `/v1/users/${ann}`)).status).toBe(404);

  const put = (api: Api, name: string, headers = {}) =>
    api.call("PUT", `/v1/users/${ann}`, { body: { display_name: name, profile: { n: 1 } }, headers });
  const queued = await put(one, "Ann");
  expect(queued).toMatchObject({ status: 202, body: { status: "queued" } });
  expect(await finished(one, queued)).toMatchObject({
    status: "done",
    kind: "users.save",
    row: { display_name: "Ann" },
  });
  for (const api of fleet.apis) {
    const read = await api.call("GET", `/v1/users/${ann}`);
    expect(read).toMatchObject({ status: 200, body: { address: ann, display_name: "Ann", profile: { n: 1 } } });
    expect(read.headers.get("etag")).toBe('"1"');
    const again = await api.call("GET", `/v1/users/${ann}`, { headers: { "if-none-match": '"1"' } });
    expect([again.status, again.body]).toEqual([304, { text: "" }]);
  }

  const waited = await put(other, "Annie", { ...waiting, "if-match": '"1"' });
  expect(waited).toMatchObject({ status: 200, body: { display_name: "Annie" } });
  expect([waited.headers.get("etag"), waited.headers.get("preference-applied")]).toEqual(['"2"', "wait=10"]);
  expect((await one.call("GET", `/v1/users/${ann}`)).body).toMatchObject({ display_name: "Annie" });
  expect(await put(one, "Eve", { ...waiting, "if-match": '"1"' })).toMatchObject({
    status: 412,
    body: { type: "/problems/version_conflict" },
  });

  const same = { "idempotency-key": "once", ...waiting };
  const first = await put(one, "Anna", same);
  const second = await put(other, "Anna", same);
  expect([first.headers.get("etag"), second.headers.get("etag")]).toEqual(['"3"', '"3"']);
  expect(await put(one, "Different", same)).toMatchObject({ status: 422 });
}, 60_000);

test("a write that cannot be done is told of as failed, with the reason for programs and for people", async () => {
  await using fleet = await startFleet();
  const [api] = fleet.apis as [Api];
  const path = "/v1/sessions/00000000-0000-4000-8000-000000000001/end";
  const queued = await api.call("POST", path, { body: {} });
  expect(queued.status).toBe(202);
  expect(await finished(api, queued)).toMatchObject({
    status: "failed",
    kind: "sessions.end",
    reason: "not_found",
    detail: expect.stringContaining("nothing to change"),
  });
  expect(await api.call("POST", path, { body: {}, headers: waiting })).toMatchObject({ status: 404 });
});

test("what became of a write is told to the key that made it and to those that may read, to no other writer", async () => {
  await using fleet = await startFleet();
  const [api] = fleet.apis as [Api];
  const keyWith = async (name: string, scopes: ("read" | "write")[]) => ({
    authorization: `Bearer ${(await createKey(fleet.db, { name, scopes })).key}`,
  });
  const [own, stranger, reader] = await Promise.all([
    keyWith("own", ["write"]),
    keyWith("stranger", ["write"]),
    keyWith("reader", ["read", "write"]),
  ]);
  const queued = await api.call("PUT", `/v1/users/${ann}`, { body: { display_name: "Ann" }, headers: own });
  const place = queued.headers.get("location") ?? "";
  const ask = async (headers: Readonly<Record<string, string>>) => (await api.call("GET", place, { headers })).status;
  const all = async () => [await ask(own), await ask(stranger), await ask(reader)];
  expect(await all()).toEqual([200, 404, 200]);
  await finished(api, queued);
  expect(await all()).toEqual([200, 404, 200]);
});

test("a read answered ahead of the framework has the answer that the framework gives", async () => {
  await using fleet = await startFleet();
  const [api] = fleet.apis as [Api];
  await api.call("PUT", `/v1/users/${ann}`, { body: { display_name: "Ännchen" }, headers: waiting });
  // An address in upper case is for the framework, which normalises it.
  const other = `/v1/users/0x${ann.slice(2).toUpperCase()}`;
  const seen = async (path: string, headers: Readonly<Record<string, string>>) => {
    const { status, body, headers: all } = await api.call("GET", path, { headers });
    // The framework gives every request an id; what is answered ahead of it has the one that it was sent with.
    const { date: _, "x-request-id": __, ...rest } = Object.fromEntries(all);
    return { status, body, rest };
  };
  for (const headers of [
    {},
    { "if-none-match": 'W/"1", "7"' },
    { "if-none-match": "*" },
    { authorization: "Bearer no" },
  ]) {
    const [short, long] = [await seen(`/v1/users/${ann}`, headers), await seen(other, headers)];
    expect({ ...short, body: { ...short.body, instance: "" } }).toEqual({
      ...long,
      body: { ...long.body, instance: "" },
    });
  }
  expect(await seen(`/v1/users/${ann}`, {})).toMatchObject({ status: 200, body: { display_name: "Ännchen" } });
  for (const turn of [1, 2]) {
    expect(await seen(`/v1/users/${bob}`, {}), `absent, ${turn}`).toMatchObject({ status: 404 });
  }
  const stats = await api.call("GET", "/database/cache-stats");
  const users = (stats.body["namespaces"] as { name: string }[]).find(({ name }) => name === "users");
  // Handing a request over to the framework does not count it twice.
  expect(users).toMatchObject({ memory_hits: 7, redis_hits: 0, misses: 2 });
});

test("no process serves what was there before a write that was acknowledged", async () => {
  await using fleet = await startFleet({ apis: 3, workers: 2 });
  const [writer] = fleet.apis as [Api];
  let settled = 0;
  let isOver = false;
  const stale: string[] = [];
  let reads = 0;
  const readers = fleet.apis.flatMap((api) =>
    [1, 2, 3].map(async () => {
      while (!isOver) {
        const floor = settled;
        const { status, body } = await api.call("GET", `/v1/balances/${ann}/wei`);
        reads += 1;
        const amount = status === 404 ? 0 : Number(body["amount"]);
        if (amount < floor) stale.push(`${amount} after ${floor}`);
      }
    }),
  );
  for (let amount = 1; amount <= 40; amount += 1) {
    const { status } = await writer.call("PUT", `/v1/balances/${ann}/wei`, {
      body: { amount: String(amount) },
      headers: waiting,
    });
    expect(status).toBe(200);
    settled = amount;
  }
  isOver = true;
  await Promise.all(readers);
  expect(stale).toEqual([]);
  expect(reads).toBeGreaterThan(40);
  const stats = await writer.call("GET", "/database/cache-stats");
  const balances = (stats.body["namespaces"] as { name: string; memory_hits: number }[]).find(
    ({ name }) => name === "balances",
  );
  expect(balances?.memory_hits).toBeGreaterThan(0);
}, 60_000);

test("a call rings, is answered, reported and ends; its lists are those of now", async () => {
  await using fleet = await startFleet();
  const [api] = fleet.apis as [Api];
  const list = async (query: string) => (await api.call("GET", `/v1/sessions?${query}`)).body["sessions"] as object[];
  expect(await list(`address=${ann}`)).toEqual([]);

  const created = await api.call("POST", "/v1/sessions", { body: { a_addr: ann, b_addr: bob }, headers: waiting });
  expect(created).toMatchObject({ status: 201, body: { state: "created", a_addr: ann, b_addr: bob } });
  const path = created.headers.get("location") ?? "";
  expect((await api.call("GET", path)).body).toEqual(created.body);
  for (const address of [ann, bob]) expect(await list(`address=${address}`)).toHaveLength(1);
  expect(await list(`address=${bob}&state=created`)).toHaveLength(1);
  expect(await list(`address=${ann}&state=active`)).toEqual([]);

  const early = await api.call("POST", `${path}/start`, { body: {}, headers: { ...waiting, "if-match": '"7"' } });
  expect(early.status).toBe(412);
  expect(await api.call("POST", `${path}/start`, { body: {}, headers: waiting })).toMatchObject({ status: 200 });
  expect(await api.call("POST", `${path}/start`, { body: {}, headers: waiting })).toMatchObject({ status: 409 });
  expect(await list(`address=${ann}&state=active`)).toHaveLength(1);

  const report = await api.call("POST", "/v1/reports", {
    body: { session_id: path.split("/").at(-1), reporter: bob, reported: ann, category: "spam", details: "all night" },
    headers: waiting,
  });
  expect(report).toMatchObject({ status: 201, body: { status: "open" } });
  expect((await api.call("GET", path)).body).toMatchObject({ is_reported: true, state: "active" });
  expect(await list("reported=true")).toHaveLength(1);

  await api.call("POST", `${path}/end`, { body: {}, headers: waiting });
  expect((await api.call("GET", path)).body).toMatchObject({ state: "ended", end_reason: "hung_up" });
  expect(await list(`address=${ann}&state=active`)).toEqual([]);
  const missing = await api.call("POST", `/v1/sessions/${crypto.randomUUID()}/end`, { body: {}, headers: waiting });
  expect(missing).toMatchObject({ status: 404 });

  const open = await api.call("GET", "/v1/reports?status=open");
  expect(open.body["reports"]).toHaveLength(1);
  const at = report.headers.get("location") ?? "";
  const moved = await api.call("PATCH", at, {
    body: { status: "resolved" },
    headers: { ...waiting, "if-match": report.headers.get("etag") ?? "" },
  });
  expect(moved).toMatchObject({ status: 200, body: { status: "resolved", resolved_at: expect.any(String) } });
  expect((await api.call("GET", "/v1/reports?status=open")).body["reports"]).toEqual([]);
  expect((await api.call("GET", "/v1/reports/stats?days=7")).body).toMatchObject({
    counts: [{ category: "spam", status: "resolved", reports: 1 }],
    closed: 1,
  });
  expect((await api.call("GET", "/v1/sessions/stats")).body["days"]).toHaveLength(1);
}, 60_000);

test("lists go on where a page ended, in either direction of a call and within a time", async () => {
  await using fleet = await startFleet();
  const [api] = fleet.apis as [Api];
  for (let n = 0; n < 5; n += 1) {
    const [a_addr, b_addr] = n % 2 === 0 ? [ann, bob] : [eve, ann];
    await api.call("POST", "/v1/sessions", { body: { a_addr, b_addr }, headers: waiting });
  }
  const seen: unknown[] = [];
  let next: unknown = `/v1/sessions?address=${ann}&limit=2`;
  while (typeof next === "string") {
    const { body } = await api.call("GET", next);
    seen.push(...(body["sessions"] as { id: string }[]).map(({ id }) => id));
    next = body["next"];
  }
  expect(new Set(seen).size).toBe(5);
  const all = (await api.call("GET", `/v1/sessions?address=${ann}`)).body["sessions"] as { created_at: string }[];
  const [newest] = all;
  const before = await api.call("GET", `/v1/sessions?address=${ann}&to=${newest?.created_at}`);
  expect(before.body["sessions"]).toHaveLength(
    all.filter(({ created_at }) => created_at < (newest?.created_at ?? "")).length,
  );
  expect((await api.call("GET", `/v1/sessions?address=${ann}&from=2100-01-01T00:00:00Z`)).body["sessions"]).toEqual([]);
  expect((await api.call("GET", "/v1/sessions?cursor=nonsense")).status).toBe(400);
}, 60_000);

test("a block keeps the two from calling each other until it is removed or over", async () => {
  await using fleet = await startFleet();
  const [api] = fleet.apis as [Api];
  const check = async () => (await api.call("GET", `/v1/blocks/check?one=${ann}&other=${bob}`)).body;
  const call = () => api.call("POST", "/v1/sessions", { body: { a_addr: ann, b_addr: bob }, headers: waiting });
  const path = `/v1/blocks/${bob}/${ann}`;
  expect(await check()).toEqual({ is_blocked: false, by: [] });
  expect(await api.call("PUT", path, { body: { reason: "spam" }, headers: waiting })).toMatchObject({ status: 200 });
  expect(await check()).toEqual({ is_blocked: true, by: [bob] });
  expect(await api.call("GET", path)).toMatchObject({ status: 200, body: { reason: "spam" } });
  expect((await api.call("GET", `/v1/blocks?blocker=${bob}`)).body["blocks"]).toHaveLength(1);
  expect(await call()).toMatchObject({ status: 409, body: { type: "/problems/blocked" } });

  const soon = new Date(Date.now() + 300).toISOString();
  await api.call("PUT", path, { body: { expires_at: soon }, headers: waiting });
  await expect.poll(check).toEqual({ is_blocked: false, by: [] });
  expect(await api.call("DELETE", path, { headers: waiting })).toMatchObject({ status: 200 });
  expect(await api.call("DELETE", path, { headers: waiting })).toMatchObject({ status: 404 });
  expect(await call()).toMatchObject({ status: 201 });
}, 60_000);

test("addresses are taken in either case or with their checksum, and kept in lower case", async () => {
  await using fleet = await startFleet();
  const [api] = fleet.apis as [Api];
  const mixed = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
  await api.call("PUT", `/v1/users/${mixed}`, { body: { display_name: "V" }, headers: waiting });
  for (const form of [mixed, mixed.toLowerCase(), `0x${mixed.slice(2).toUpperCase()}`]) {
    expect((await api.call("GET", `/v1/users/${form}`)).body).toMatchObject({ address: mixed.toLowerCase() });
  }
  for (const wrong of ["0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x12", mixed.slice(2)]) {
    const read = await api.call("GET", `/v1/users/${wrong}`);
    expect(read).toMatchObject({ status: 400, body: { detail: expect.stringMatching(/address/) } });
    expect((await api.call("PUT", `/v1/users/${wrong}`, { body: {} })).status).toBe(400);
  }
}, 60_000);

test("of a thousand who use one nonce, one passes", async () => {
  await using fleet = await startFleet({ apis: 2 });
  const { body } = await (fleet.apis[0] as Api).call("POST", "/v1/nonces", { body: { address: ann } });
  const consume = async (n: number): Promise<number> => {
    for (;;) {
      const { status } = await (fleet.apis[n % 2] as Api).call("POST", "/v1/nonces/consume", {
        body: { address: ann, nonce: body["nonce"] },
      });
      // No connection to PostgreSQL was free in time: to be sent again, as the answer says.
      if (status !== 503) return status;
    }
  };
  const statuses = await Promise.all(Array.from({ length: 1_000 }, (_, n) => consume(n)));
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status === 409)).toHaveLength(999);
}, 60_000);

test("a signed message signs its address in, once, for our domain and its time only", async () => {
  await using fleet = await startFleet({
    environment: { SIGN_IN_DOMAINS: "app.example.org", SIGN_IN_NONCES_PER_MINUTE: "8" },
  });
  const [api] = fleet.apis as [Api];
  const account = privateKeyToAccount(generatePrivateKey());
  const sign = async (changed: object = {}, signer = account) => {
    const { body } = await api.call("POST", "/v1/nonces", { body: { address: account.address } });
    const message = createSiweMessage({
      address: account.address,
      chainId: 1,
      domain: "app.example.org",
      nonce: String(body["nonce"]),
      uri: "https://app.example.org/login",
      version: "1",
      ...changed,
    });
    return { message, signature: await signer.signMessage({ message }) };
  };
  const signIn = (signed: object) => api.call("POST", "/v1/sign-in", { body: signed });
  const address = account.address.toLowerCase();
  expect((await api.call("GET", `/v1/users/${address}`)).status).toBe(404);

  const good = await sign();
  expect(await signIn(good)).toMatchObject({ status: 200, body: { address, chain_id: 1 } });
  expect((await api.call("GET", `/v1/users/${address}`)).status).toBe(200);
  expect(await signIn(good)).toMatchObject({ status: 409, body: { type: "/problems/nonce_not_valid" } });
  expect(await signIn(await sign({ domain: "evil.example.org" }))).toMatchObject({ status: 422 });
  expect(await signIn(await sign({ expirationTime: new Date(Date.now() - 1_000) }))).toMatchObject({ status: 422 });
  expect(await signIn(await sign({}, privateKeyToAccount(generatePrivateKey())))).toMatchObject({
    status: 422,
    body: { type: "/problems/signature_wrong" },
  });
  expect(await signIn({ message: "hello", signature: good.signature })).toMatchObject({ status: 422 });
  expect(await signIn(await sign({ nonce: "neverissued1" }))).toMatchObject({ status: 409 });
  await Promise.all(Array.from({ length: 9 }, () => sign().catch(() => {})));
  expect(await api.call("POST", "/v1/nonces", { body: { address } })).toMatchObject({ status: 429 });
}, 60_000);

test("what is cached can be looked at and taken out by hand", async () => {
  await using fleet = await startFleet();
  const [api] = fleet.apis as [Api];
  await api.call("PUT", `/v1/balances/${ann}/wei`, { body: { amount: "1" }, headers: waiting });
  for (const path of [`/v1/balances/${ann}`, `/v1/balances/${ann}/wei`, `/v1/balances/${bob}`])
    await api.call("GET", path);
  const clear = (body: object) => api.call("POST", "/database/cache/clear", { body });

  expect(await clear({ namespace: "balances", key: `${ann}/wei` })).toMatchObject({
    status: 200,
    body: { cleared: 1 },
  });
  expect(await clear({ namespace: "balances", pattern: "*/*" })).toMatchObject({ body: { cleared: 0 } });
  expect(await clear({ namespace: "balances" })).toMatchObject({ body: { cleared: 2 } });
  expect(await clear({ namespace: "balances", pattern: "a/b/c" })).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining("{address}/{asset}") },
  });
  expect(await clear({ namespace: "no" })).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining("users") },
  });
  expect(await clear({ everything: true })).toMatchObject({ status: 400 });
}, 60_000);

test("a write of a worker that is killed is applied by another, once", async () => {
  await using fleet = await startFleet({ workers: 2, environment: { INGEST_JOB_LOCK_MS: "1000" } });
  const [api] = fleet.apis as [Api];
  const queued: Answer[] = [];
  for (let n = 1; n <= 60; n += 1) {
    const body = { amount: String(n), observed_at: new Date(1.7e12 + n).toISOString() };
    queued.push(await api.call("PUT", `/v1/balances/${ann}/asset-${n % 3}`, { body }));
    if (n === 20) await fleet.workers[0]?.[Symbol.asyncDispose]();
  }
  for (const answer of queued) expect(await finished(api, answer)).toMatchObject({ status: "done" });
  const { body } = await api.call("GET", `/v1/balances/${ann}`);
  expect(body["balances"]).toMatchObject([{ amount: "60" }, { amount: "58" }, { amount: "59" }]);
  expect((await api.call("GET", `/v1/balances/${ann}/asset-0`)).headers.get("etag")).toBe('"20"');
}, 60_000);
