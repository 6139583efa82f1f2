import { createKey, type Scope } from "@millrace/access";
import {
  createTestDatabase,
  createTestRedis,
  findBrowser,
  openBrowser,
  type TestRedis,
} from "@millrace/embedded/testing";
import { connectQueues } from "@millrace/jobs";
import type { Locator, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { createBrowserApp } from "../browser/testing/browser-app.ts";
import { registerQueues } from "./queue-routes.ts";

const program = await findBrowser();

interface Visit extends AsyncDisposable {
  readonly page: Page;
  readonly url: string;
  readonly requested: readonly string[];
  readonly complaints: readonly string[];
}

/** Signs in with a key of that scope on the way to the dashboard, in which an ingest job waits. */
async function visit(scope: Scope): Promise<Visit> {
  await using parts = new AsyncDisposableStack();
  const { db } = parts.use(await createTestDatabase());
  const redis: TestRedis = parts.use(await createTestRedis());
  const queues = parts.use(await connectQueues({ ...redis, onError: () => {} }));
  await queues.upsertSchedulers();
  await queues.enqueue("importEvents", { rows: "a\tb\n", count: 1, months: ["2026-11"], receivedAt: Date.now() });
  const app = await createBrowserApp(db);
  await registerQueues(app, { queues });
  parts.defer(() => app.close());
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const browser = parts.use(await openBrowser(program ?? ""));
  const page = await browser.newPage();
  page.setDefaultTimeout(10_000);
  const requested: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requested.push(request.url()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // That a file was fetched in advance and not yet needed is of no interest.
    if (message.type() === "error") complaints.push(message.text());
  });
  const { key } = await createKey(db, { name: scope, scopes: [scope] });
  await page.goto(`${url}/queues`);
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${url}/queues`);
  const open = parts.move();
  return { page, url, requested, complaints, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

function cardOf(page: Page, queue: string): Locator {
  const main = page.getByRole("main");
  return main.getByRole("listitem").filter({ has: page.getByRole("link", { name: queue, exact: true }) });
}

/** What can be done with a queue is behind a button without a name. */
const unnamed = /^$/;

describe.skipIf(program === undefined)("in a browser (skipped where the PATH has no Chromium)", () => {
  test("a reader sees the queues and their jobs, and nothing to act with", async () => {
    await using visitor = await visit("read");
    const { page, url, requested, complaints } = visitor;
    await cardOf(page, "ingest").getByRole("button", { name: "1 Job" }).waitFor();
    expect(await cardOf(page, "ingest").getByRole("button", { name: unnamed }).count()).toBe(0);
    await cardOf(page, "ingest").getByRole("link").first().click();
    await page.getByRole("link", { name: "#1 events.import" }).waitFor();
    await page.getByRole("tree", { name: "JSON view" }).getByText("beginning").waitFor();
    await page.getByRole("link", { name: "Schedulers" }).click();
    await page.waitForURL(`${url}/queues/job-schedulers`);
    await page.waitForLoadState("networkidle");
    expect(hostsOf(requested)).toEqual([new URL(url).host]);
    expect(complaints).toEqual([]);
  });

  test("an admin pauses a queue, and finds that ingested rows cannot be edited", async () => {
    await using visitor = await visit("admin");
    const { page, url, requested, complaints } = visitor;
    const menu = cardOf(page, "writes").getByRole("button", { name: unnamed });
    await menu.first().click();
    await page.getByRole("menuitem", { name: "Pause" }).click();
    const confirmation = page.getByRole("alertdialog").or(page.getByRole("dialog"));
    await confirmation.getByRole("button", { name: /confirm|yes|pause/i }).click();
    await cardOf(page, "writes").getByText("[ Paused ]").waitFor();

    await page.goto(`${url}/queues/queue/ingest/1`);
    const actions = page.getByRole("main").getByRole("button", { name: unnamed });
    await actions.nth(1).click();
    await page.getByRole("dialog", { name: "Update job data" }).getByText("beginning").waitFor();
    expect(complaints).toEqual([]); // nor of the policy, which the editor puts to the test
    const answer = page.waitForResponse((response) => response.url().endsWith("/update-data"));
    await page.getByRole("dialog").getByRole("button", { name: "Update" }).click();
    expect((await answer).status()).toBe(403);
    expect(hostsOf(requested)).toEqual([new URL(url).host]);
  });
});

function hostsOf(urls: readonly string[]): string[] {
  return [
    ...new Set(urls.map((url) => new URL(url)).flatMap(({ protocol, host }) => (protocol === "data:" ? [] : host))),
  ];
}
