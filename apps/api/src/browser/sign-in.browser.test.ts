import { createKey } from "@millrace/access";
import { createTestDatabase, findBrowser, openBrowser, violationsOn } from "@millrace/embedded/testing";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { createBrowserApp, developmentKey } from "./testing/browser-app.ts";

const program = await findBrowser();

interface Visit extends AsyncDisposable {
  readonly url: string;
  /** The same server under the name of another site. */
  readonly otherUrl: string;
  readonly page: Page;
  /** A key that may only read. */
  readonly readerKey: string;
  /** Everything that the browser asked for. */
  readonly requested: readonly string[];
  /** What it complained of, such as a refused script. */
  readonly complaints: readonly string[];
}

interface Look {
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
  readonly javaScriptEnabled?: boolean;
}

async function visit({ colorScheme = "light", width = 1_280, javaScriptEnabled = true }: Look = {}): Promise<Visit> {
  await using parts = new AsyncDisposableStack();
  const { db } = parts.use(await createTestDatabase());
  const { key: readerKey } = await createKey(db, { name: "reader", scopes: ["read"] });
  const app = await createBrowserApp(db);
  parts.defer(() => app.close());
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const browser = parts.use(await openBrowser(program ?? ""));
  const context = await browser.newContext({ colorScheme, javaScriptEnabled, viewport: { width, height: 844 } });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const requested: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requested.push(request.url()));
  page.on("console", (message) => complaints.push(message.text()));
  const open = parts.move();
  return {
    url,
    otherUrl: url.replace("127.0.0.1", "localhost"),
    page,
    readerKey,
    requested,
    complaints,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function enter(page: Page, key: string): Promise<void> {
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
}

describe.skipIf(program === undefined)("in a browser (skipped where the PATH has no Chromium)", () => {
  test("who opens a page signs in on the way, sees it, signs out, and has to sign in again", async () => {
    await using visitor = await visit();
    const { url, page, requested, complaints } = visitor;
    await page.goto(`${url}/console?tab=jobs`);
    expect(page.url()).toBe(`${url}/sign-in?next=%2Fconsole%3Ftab%3Djobs`);
    await enter(page, developmentKey);
    await page.waitForURL(`${url}/console?tab=jobs`);
    expect(await page.getByRole("heading").textContent()).toBe("The console");
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: "millrace_session", httpOnly: true, sameSite: "Strict", secure: false });
    await page.goto(`${url}/sign-in`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are signed out.").waitFor();
    expect(await page.context().cookies()).toEqual([]);
    await page.goto(`${url}/console`);
    await page.waitForURL(`${url}/sign-in?next=%2Fconsole`);
    expect([
      ...new Set(requested.map((asked) => new URL(asked).protocol === "data:" || new URL(asked).origin)),
    ]).toEqual([url]);
    expect(complaints).toEqual([]);
  });

  test("it works without JavaScript, and a wrong key is told beside the field, which has the focus", async () => {
    await using visitor = await visit({ javaScriptEnabled: false });
    const { url, page } = visitor;
    await page.goto(`${url}/sign-in?next=/console`);
    await enter(page, "wrong");
    const field = page.getByLabel("API key");
    await page.getByRole("alert").waitFor();
    expect(await field.getAttribute("aria-describedby")).toBe(await page.getByRole("alert").getAttribute("id"));
    expect(await field.inputValue()).toBe("");
    await page.locator("#key:focus").waitFor();
    await enter(page, developmentKey);
    await page.waitForURL(`${url}/console`);
  });

  test("a link on another site leads who is signed in to the page", async () => {
    await using visitor = await visit();
    const { url, otherUrl, page } = visitor;
    await page.goto(`${url}/sign-in`);
    await enter(page, developmentKey);
    await page.waitForURL(`${url}/console`);
    await page.goto(`${otherUrl}/sign-in`);
    await page.evaluate(`document.body.innerHTML = '<a href="${url}/console">An alert</a>'`);
    await page.getByRole("link").click();
    await page.getByRole("heading", { name: "The console" }).waitFor();
    expect(page.url()).toBe(`${url}/console`);
  });

  test("another site can neither sign somebody in nor have a session do something", async () => {
    await using visitor = await visit();
    const { url, otherUrl, page } = visitor;
    await page.goto(`${url}/sign-in`);
    await enter(page, developmentKey);
    await page.waitForURL(`${url}/console`);
    for (const target of ["/session", "/session/end", "/as/admin"]) {
      // The policy of a page of ours would not let the form go; another site has none.
      await page.route(`${otherUrl}/evil`, (route) =>
        route.fulfill({
          contentType: "text/html",
          body: `<form method="post" action="${url}${target}"><input name="key" value="${developmentKey}"><button>Win</button></form>`,
        }),
      );
      await page.goto(`${otherUrl}/evil`);
      const answer = page.waitForResponse((response) => response.url() === `${url}${target}`);
      await page.getByRole("button").click();
      expect((await answer).status()).toBe(target === "/as/admin" ? 401 : 403);
      await page.unroute(`${otherUrl}/evil`);
    }
    await page.goto(`${url}/console`);
    expect(await page.getByRole("heading").textContent()).toBe("The console");
  });

  test.each([
    ["light", 1_280],
    ["dark", 390],
  ] as const)("everybody can use the pages, %s and %d wide", async (colorScheme, width) => {
    await using visitor = await visit({ colorScheme, width });
    const { url, page, readerKey } = visitor;
    await page.goto(`${url}/sign-in`);
    expect(await violationsOn(page)).toEqual([]);
    await enter(page, "wrong");
    await page.getByRole("alert").waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await enter(page, developmentKey);
    await page.waitForURL(`${url}/console`);
    await page.goto(`${url}/sign-in`);
    expect(await violationsOn(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are signed out.").waitFor();
    await enter(page, readerKey);
    await page.waitForURL(`${url}/console`);
    await page.goto(`${url}/settings`);
    await page.getByRole("heading", { name: "Not with this key" }).waitFor();
    expect(await violationsOn(page)).toEqual([]);
  });
});
