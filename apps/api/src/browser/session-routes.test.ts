import { text } from "node:stream/consumers";
import { createKey, revokeKey, type Scope, scopes } from "@millrace/access";
import { connectPostgres } from "@millrace/db";
import { createTestDatabase, openWay, type TestDatabase } from "@millrace/embedded/testing";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAttempts } from "./attempts.ts";
import { createBrowserApp, developmentKey } from "./testing/browser-app.ts";

let database: TestDatabase;
let app: FastifyInstance;
beforeAll(async () => {
  database = await createTestDatabase();
  app = await createBrowserApp(database.db);
});
afterAll(async () => {
  await app.close();
  await database[Symbol.asyncDispose]();
});

const here = { "sec-fetch-site": "same-origin" };
const form = { ...here, "content-type": "application/x-www-form-urlencoded" };

const post = (url: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  app.inject({ method: "POST", url, headers: { ...form, ...headers }, body: new URLSearchParams(fields).toString() });

async function cookieFor(...granted: Scope[]): Promise<string> {
  const { key } = await createKey(database.db, { name: granted.join(" and "), scopes: granted });
  return cookieIn(await post("/session", { key }));
}

function cookieIn({ headers }: { headers: Record<string, unknown> }): string {
  return /^millrace_session=mls_[\w-]{43}/.exec(String(headers["set-cookie"]))?.[0] ?? "none";
}

test.each(scopes)("a session lets through what its key may, asked of a key for %s", async (granted) => {
  const cookie = await cookieFor(granted);
  for (const scope of scopes) {
    const expected = granted === scope || granted === "admin" ? 200 : 403;
    for (const method of ["GET", "POST"] as const) {
      const { statusCode } = await app.inject({ method, url: `/as/${scope}`, headers: { cookie, ...here } });
      expect([scope, method, statusCode]).toEqual([scope, method, expected]);
    }
  }
});

test("a form with a key is answered with the cookie and the way on", async () => {
  const reply = await post("/session", { key: ` ${developmentKey} `, next: "/queues?status=failed" });
  expect(reply.statusCode).toBe(303);
  expect(reply.headers.location).toBe("/queues?status=failed");
  expect(reply.headers["set-cookie"]).toMatch(
    /^millrace_session=mls_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=(43200|43199)$/,
  );
  expect((await post("/session", { key: developmentKey, next: "//evil.example" })).headers.location).toBe("/console");
});

test.each([{ origin: "https://localhost:80" }, { "x-forwarded-proto": "https" }])(
  "whoever came by HTTPS sends the cookie that way only (%o)",
  async (headers) => {
    const reply = await post("/session", { key: developmentKey }, headers);
    expect(reply.headers["set-cookie"]).toMatch(/; Secure$/);
  },
);

test("JSON with a key is answered with the cookie alone, and the session tells who it is", async () => {
  const headers = { ...here, "content-type": "application/json" };
  const body = JSON.stringify({ key: developmentKey });
  const reply = await app.inject({ method: "POST", url: "/session", headers, body });
  expect([reply.statusCode, reply.body]).toEqual([204, ""]);
  const session = await app.inject({ url: "/session", headers: { cookie: cookieIn(reply) } });
  expect(session.json()).toEqual({
    name: "development",
    scopes: [...scopes],
    expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  const wrong = await app.inject({ method: "POST", url: "/session", headers, body: JSON.stringify({ key: "no" }) });
  expect([wrong.statusCode, wrong.json().type]).toEqual([401, "/problems/key_invalid"]);
  const empty = await app.inject({ method: "POST", url: "/session", headers, body: "{}" });
  expect(empty.statusCode).toBe(400);
});

test("a wrong key in the form is answered with the form, which says so and never shows the key", async () => {
  const reply = await post("/session", { key: `"><script>alert(1)</script>`, next: "/queues" });
  expect(reply.statusCode).toBe(401);
  expect(reply.headers["set-cookie"]).toBeUndefined();
  expect(reply.body).toContain('aria-invalid="true" aria-describedby="error"');
  expect(reply.body).toContain('role="alert">This key is not known');
  expect(reply.body).toContain('name="next" value="/queues"');
  expect(reply.body).not.toContain("alert(1)");
  expect((await post("/session", { key: " " })).body).toContain("Enter a key.");
});

test.each(["DELETE /session", "POST /session/end"])(
  "%s makes the token worthless and has it forgotten",
  async (end) => {
    const [method, url = ""] = end.split(" ") as ["DELETE" | "POST", string];
    const cookie = await cookieFor("read");
    const reply = await app.inject({ method, url, headers: { cookie, ...here } });
    expect(reply.statusCode).toBe(method === "POST" ? 303 : 204);
    expect(reply.headers["set-cookie"]).toBe("millrace_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    expect((await app.inject({ url: "/as/read", headers: { cookie } })).statusCode).toBe(401);
    expect((await app.inject({ url: "/session", headers: { cookie } })).statusCode).toBe(401);
    expect((await app.inject({ method, url, headers: { cookie, ...here } })).statusCode).toBe(reply.statusCode);
  },
);

test("who signs in again leaves no session behind, and a revoked key leaves none either", async () => {
  const first = await cookieFor("read");
  const { id, key } = await createKey(database.db, { name: "second", scopes: ["read"] });
  const second = cookieIn(await post("/session", { key }, { cookie: first }));
  expect((await app.inject({ url: "/session", headers: { cookie: first } })).statusCode).toBe(401);
  expect((await app.inject({ url: "/session", headers: { cookie: second } })).statusCode).toBe(200);
  await revokeKey(database.db, id);
  await using anotherProcess = await createBrowserApp(database.db);
  expect((await anotherProcess.inject({ url: "/session", headers: { cookie: second } })).statusCode).toBe(401);
});

test("a stream that a browser follows ends with its session", async () => {
  const cookie = await cookieFor("read");
  const following = await app.inject({ url: "/stream", headers: { cookie }, payloadAsStream: true });
  expect(following.statusCode).toBe(200);
  await app.inject({ method: "DELETE", url: "/session", headers: { cookie, ...here } });
  expect(await text(following.stream())).toContain('{"reason":"key_invalid"}');
});

const html = { accept: "text/html,application/xhtml+xml" };

test("who opens a page without a session is sent to the sign-in and back; a program is told 401", async () => {
  const opened = await app.inject({ url: "/console?tab=jobs&x=%20", headers: html });
  expect(opened.statusCode).toBe(303);
  expect(opened.headers.location).toBe(`/sign-in?next=${encodeURIComponent("/console?tab=jobs&x=%20")}`);
  const asked = await app.inject({ url: "/console", headers: { accept: "*/*" } });
  expect([asked.statusCode, asked.headers["content-type"]]).toEqual([401, "application/problem+json; charset=utf-8"]);
  const withKey = await app.inject({ url: "/console", headers: { authorization: `Bearer ${developmentKey}` } });
  expect(withKey.statusCode).toBe(200);
  const data = await app.inject({ url: "/as/read", headers: html });
  expect(data.statusCode).toBe(401);
});

test("who follows a link from another site is sent on from here, since the cookie came not along", async () => {
  const { statusCode, body } = await app.inject({
    url: `/console?"><script>`,
    headers: { ...html, "sec-fetch-site": "cross-site" },
  });
  expect(statusCode).toBe(200);
  expect(body).toContain('<meta http-equiv="refresh" content="0; url=/console?');
  expect(body).not.toContain("<script>");
});

test("a page that the key may not see is a page that says so", async () => {
  const cookie = await cookieFor("read");
  const page = await app.inject({ url: "/settings", headers: { ...html, cookie } });
  expect(page.statusCode).toBe(403);
  expect(page.headers["content-type"]).toMatch("text/html");
  expect(page.body).toContain("lacks the scope admin");
  expect(page.body).toContain('href="/sign-in?next=%2Fsettings"');
});

test("every answer of a page's route has the headers that keep others out", async () => {
  const cookie = await cookieFor("read");
  const wanted = {
    "content-security-policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": expect.any(String),
  };
  for (const url of ["/sign-in", "/console", "/settings", "/page.css"]) {
    for (const headers of [html, { ...html, cookie }]) {
      const reply = await app.inject({ url, headers });
      expect(reply.headers, url).toMatchObject(wanted);
      expect(reply.headers["cache-control"], url).toMatch(url === "/page.css" ? /immutable/ : /^no-store$/);
    }
  }
});

test("keys cannot be guessed: each wrong one counts, those who are right do not, and the time to wait is told", async () => {
  let nowMs = 0;
  const attempts = createAttempts({ perAddress: 3, inAll: 5, windowMs: 60_000 }, () => nowMs);
  await using limited = await createBrowserApp(database.db, attempts);
  const enter = async (remoteAddress: string, key: string) => {
    const body = new URLSearchParams({ key }).toString();
    return await limited.inject({ method: "POST", url: "/session", headers: form, body, remoteAddress });
  };
  for (let n = 0; n < 9; n += 1) expect((await enter("10.0.0.1", developmentKey)).statusCode).toBe(303);
  const guesses = await Promise.all(Array.from({ length: 20 }, (_, n) => enter("10.0.0.1", `guess-${n}`)));
  expect(guesses.filter(({ statusCode }) => statusCode === 401)).toHaveLength(3);
  expect(guesses.filter(({ statusCode }) => statusCode === 429)).toHaveLength(17);
  nowMs = 18_000;
  const refused = await enter("10.0.0.1", developmentKey);
  expect([refused.statusCode, refused.headers["retry-after"]]).toEqual([429, "42"]);
  expect(refused.body).toContain("Try again in 42 s.");
  expect((await enter("10.0.0.2", developmentKey)).statusCode).toBe(303);
  for (const address of ["10.0.0.3", "10.0.0.4"]) expect((await enter(address, "guess")).statusCode).toBe(401);
  expect((await enter("10.0.0.5", developmentKey)).statusCode).toBe(429); // five wrong ones in all
  nowMs = 60_000;
  expect((await enter("10.0.0.1", developmentKey)).statusCode).toBe(303);
});

test("while the database is away that is what is said, to who signs in and to who comes with a session", async () => {
  await using parts = new AsyncDisposableStack();
  const way = parts.use(await openWay(database.url));
  await using db = await connectPostgres({ url: way.url, applicationName: "test", connectTimeoutMs: 500 });
  await using away = await createBrowserApp(db, createAttempts({ perAddress: 1 }));
  const cookie = await cookieFor("read");
  await parts.disposeAsync();
  for (let n = 0; n < 3; n += 1) {
    const body = new URLSearchParams({ key: "mlr_key", next: "/console" }).toString();
    const reply = await away.inject({ method: "POST", url: "/session", headers: form, body });
    expect([reply.statusCode, reply.headers["retry-after"]]).toEqual([503, "2"]); // and no attempt is counted
    expect(reply.body).toContain('role="alert">The database is not available');
  }
  const page = await away.inject({ url: "/console", headers: { ...html, cookie } });
  expect(page.statusCode).toBe(503);
  expect(page.body).toContain("Try again");
  expect((await away.inject({ url: "/sign-in", headers: { cookie } })).statusCode).toBe(200);
  const end = await away.inject({ method: "DELETE", url: "/session", headers: { cookie, ...here } });
  expect([end.statusCode, end.headers["set-cookie"]]).toEqual([503, undefined]);
});
