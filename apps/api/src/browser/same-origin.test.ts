import { createTestDatabase, type TestDatabase } from "@millrace/embedded/testing";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBrowserApp, developmentKey } from "./testing/browser-app.ts";

let database: TestDatabase;
let app: FastifyInstance;
let cookie: string;
beforeAll(async () => {
  database = await createTestDatabase();
  app = await createBrowserApp(database.db);
  const { headers } = await signIn({ "sec-fetch-site": "same-origin" });
  cookie = String(headers["set-cookie"]).split(";", 1)[0] ?? "";
});
afterAll(async () => {
  await app.close();
  await database[Symbol.asyncDispose]();
});

const signIn = (headers: Record<string, string>) =>
  app.inject({
    method: "POST",
    url: "/session",
    headers: { host: "millrace.example:8443", "content-type": "application/json", ...headers },
    body: JSON.stringify({ key: developmentKey }),
  });

describe.each([
  [{ "sec-fetch-site": "same-origin" }, true],
  [{ "sec-fetch-site": "same-origin", origin: "null" }, true],
  [{ origin: "https://millrace.example:8443" }, true],
  [{ origin: "http://Millrace.example:8443" }, true],
  [{}, false],
  [{ "sec-fetch-site": "none" }, false],
  [{ "sec-fetch-site": "same-site" }, false],
  [{ "sec-fetch-site": "cross-site" }, false],
  [{ "sec-fetch-site": "" }, false],
  [{ "sec-fetch-site": "cross-site", origin: "https://millrace.example:8443" }, false],
  [{ origin: "null" }, false],
  [{ origin: "" }, false],
  [{ origin: "https://millrace.example" }, false],
  [{ origin: "https://evil.example:8443" }, false],
  [{ origin: "https://millrace.example.evil.example:8443" }, false],
  [{ origin: "https://millrace.example:8443@evil.example" }, false],
  [{ origin: "file://millrace.example:8443" }, false],
  [{ referer: "https://millrace.example:8443/console" }, false],
] as [Record<string, string>, boolean][])("with the headers %o", (headers, isTrusted) => {
  test(`a change by cookie is ${isTrusted ? "made" : "refused"}, and so are signing in and out`, async () => {
    const host = "millrace.example:8443";
    const change = await app.inject({ method: "POST", url: "/as/admin", headers: { host, cookie, ...headers } });
    expect(change.statusCode).toBe(isTrusted ? 200 : 403);
    if (!isTrusted) expect(change.json().type).toBe("/problems/cross_site_request");
    const entered = await signIn(headers);
    expect(entered.statusCode).toBe(isTrusted ? 204 : 403);
    expect("set-cookie" in entered.headers).toBe(isTrusted);
    for (const [method, url] of [
      ["DELETE", "/session"],
      ["POST", "/session/end"],
    ] as const) {
      const { statusCode } = await app.inject({ method, url, headers: { host, ...headers } });
      expect(statusCode).toBe(isTrusted ? (method === "POST" ? 303 : 204) : 403);
    }
  });

  test("reading by cookie, and changing by key, need none of them", async () => {
    const read = await app.inject({ url: "/as/admin", headers: { cookie, ...headers } });
    expect(read.statusCode).toBe(200);
    const authorization = `Bearer ${developmentKey}`;
    const change = await app.inject({
      method: "POST",
      url: "/as/admin",
      headers: { authorization, cookie, ...headers },
    });
    expect(change.statusCode).toBe(200);
  });
});
