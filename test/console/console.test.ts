import { statement } from "@millrace/db";
import { findBrowser, openWay, violationsOn } from "@millrace/embedded/testing";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConsoleWorld, openConsole } from "./open-console.ts";

const program = await findBrowser();

const addLetter = statement<[payload: string], never>(
  "test.add_letter_to_console",
  `INSERT INTO dead_letters (queue, job_name, reason_code, sqlstate, message, payload)
   VALUES ('ingest', 'events.import', 'refused_by_database', '22P05', 'unsupported Unicode escape', $1)`,
);
const makeTwice = (name: string) =>
  statement<[], never>("test.make_twice", `CREATE INDEX ${name} ON users (address, created_at)`);

describe.skipIf(program === undefined)("in a browser (skipped where the PATH has no Chromium)", () => {
  let world: ConsoleWorld;
  beforeAll(async () => {
    world = await openConsole(program ?? "");
  }, 90_000);
  afterAll(() => world[Symbol.asyncDispose]());

  const send = (type: string, data: unknown) =>
    world.api.call("POST", "/v1/events", { body: { source: "/console", type, data } });

  test("it shows what the fleet does, by itself, and asks nobody else and complains of nothing", async () => {
    await using visit = await world.visit();
    const { page, origins, complaints } = visit;
    await page.getByRole("banner").getByRole("status").getByText("live").waitFor();
    const processes = panel(page, "Processes");
    await processes.getByRole("rowheader", { name: /^worker / }).waitFor();
    await processes.getByRole("rowheader", { name: /^api / }).waitFor();
    const rows = Array.from({ length: 500 }, (_, n) => ({ source: "/console", type: "console.many", data: { n } }));
    await world.api.call("POST", "/v1/events", { body: rows });
    const committed = page.getByRole("list", { name: "Overview" }).getByRole("link", { name: /^Committed/ });
    await expect.poll(() => committed.textContent(), { timeout: 20_000 }).toMatch(/^Committed[1-9]/);
    expect(await page.locator(".chart canvas").count()).toBe(2);
    expect([...origins]).toEqual([world.api.url]);
    expect(complaints).toEqual([]);
  }, 60_000);

  test("events are found, looked into, and watched as they are committed", async () => {
    await using visit = await world.visit();
    const { page } = visit;
    await send("console.one", { text: "found" });
    const events = panel(page, "Events");
    await events.getByLabel("type").fill("console.one");
    const found = events.getByRole("row").filter({ hasText: "console.one" });
    await expect
      .poll(
        async () => {
          await events.getByRole("button", { name: "Search" }).click();
          return await found.count();
        },
        { timeout: 20_000, interval: 500 },
      )
      .toBe(1);
    await found.getByRole("button").click();
    await events.locator("pre").getByText('"text": "found"').waitFor();
    await events.getByRole("button", { name: "Watch live" }).click();
    await statusIn(events, "live").waitFor();
    await expect
      .poll(
        async () => {
          await send("console.one", { text: "watched" });
          return await found.filter({ hasText: "watched" }).count();
        },
        { timeout: 20_000, interval: 500 },
      )
      .toBeGreaterThan(0);
  }, 60_000);

  test("a dead letter is opened, mended and stored", async () => {
    const row = 'dead\t/console\tconsole.dead\t\\N\t2026-11-01 12:00:00Z\t{"n": 1}\t\\N\t2026-11-01 12:00:00Z\n';
    await world.db.run(addLetter, [row]);
    await using visit = await world.visit();
    const { page } = visit;
    const letters = panel(page, "Dead letters");
    await letters.getByRole("button", { name: /^Open/ }).click();
    const dialog = page.getByRole("dialog");
    const editor = dialog.getByLabel("The event");
    await editor.fill("{");
    await dialog.getByRole("button", { name: "Redrive as edited" }).click();
    await dialog.getByRole("alert").getByText("This is not JSON").waitFor();
    await editor.fill(JSON.stringify({ id: "dead", source: "/console", type: "console.dead", data: { n: "mended" } }));
    await dialog.getByRole("button", { name: "Redrive as edited" }).click();
    await letters.getByText("PostgreSQL has refused nothing that still waits.").waitFor();
    const stored = async () => (await world.api.call("GET", "/v1/events?type=console.dead")).body["events"];
    await expect.poll(stored, { timeout: 20_000 }).toMatchObject([{ id: "dead", data: { n: "mended" } }]);
  }, 60_000);

  test("a job is run by hand; an alert that fires is taken on and silenced", async () => {
    await using visit = await world.visit();
    const { page } = visit;
    await page.getByRole("button", { name: "Run now: alerts.evaluate" }).click();
    const alert = panel(page, "Alerts").getByRole("listitem").filter({ hasText: "connections" });
    await alert.getByRole("button", { name: "Acknowledge: connections" }).click();
    await alert.getByText("ann is at it.").waitFor();
    await alert.getByRole("button", { name: "Silence …: connections" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Silence", exact: true }).click();
    await dialog.getByRole("alert").getByText("say why").waitFor();
    await dialog.getByLabel("Because").fill("it is a test");
    await dialog.getByRole("button", { name: "Silence", exact: true }).click();
    await alert.getByText(/^Nobody is told until .*\(ann: it is a test\)\.$/).waitFor();
    await alert.getByRole("link", { name: "What to do about connections" }).click();
    await page.getByText("## connections").waitFor();
  }, 60_000);

  test("an index twice over is dropped by a worker, and brought back", async () => {
    await world.db.run(makeTwice("zz_console"), []);
    await world.db.run(makeTwice("zz_console_again"), []);
    await using visit = await world.visit();
    const { page } = visit;
    const indexes = panel(page, "Indexes");
    await indexes.getByRole("button", { name: /^Apply …: duplicate/ }).click();
    await page.getByRole("dialog").getByText("DROP INDEX CONCURRENTLY").waitFor();
    await page.getByRole("button", { name: "Apply", exact: true }).click();
    await statusIn(indexes, "done").waitFor();
    await indexes.getByRole("button", { name: /^Undo …/ }).click();
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await statusIn(indexes, "undone").waitFor();
  }, 60_000);

  test("a key that may only read sees all of it and can change nothing", async () => {
    await using visit = await world.visit({ scopes: ["read"] });
    const { page } = visit;
    await panel(page, "Scheduled jobs").getByRole("rowheader", { name: "partitions.keep" }).waitFor();
    await panel(page, "Dead letters").getByText("scope admin").waitFor();
    await panel(page, "Cache").getByRole("rowheader", { name: "users" }).waitFor();
    expect(await page.getByRole("button", { name: /^(Run now|Clear|Apply|Silence|Acknowledge|Open)/ }).count()).toBe(0);
  }, 60_000);

  test("the keyboard reaches everything: past the bar, into a statement's plans, into a dialog and out of it", async () => {
    await using visit = await world.visit();
    const { page } = visit;
    const focused = (): Promise<string> => page.evaluate("document.activeElement?.textContent ?? ''");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("To the content");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await focused()).toMatch(/^Committed/);
    const statement = panel(page, "Statements").getByRole("button").first();
    await statement.focus();
    await page.keyboard.press("Enter");
    expect(await statement.getAttribute("aria-expanded")).toBe("true");
    const clear = page.getByRole("button", { name: "Clear: users" });
    await clear.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByText("Clear users in every process?").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await clear.evaluate((button) => button === button.ownerDocument.activeElement)).toBe(true);
  }, 60_000);

  test.each([
    ["light", 1_280],
    ["dark", 1_280],
    ["dark", 390],
  ] as const)(
    "everybody can use it, %s and %d wide",
    async (colorScheme, width) => {
      await using visit = await world.visit({ colorScheme, width });
      const { page } = visit;
      await panel(page, "Partitions").getByText("made ahead").first().waitFor();
      for (const summary of await page.locator("summary").all()) await summary.click();
      expect(await violationsOn(page)).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    },
    60_000,
  );

  test("a theme that was chosen stays", async () => {
    await using visit = await world.visit({ colorScheme: "dark" });
    const { page } = visit;
    const scheme = () => page.evaluate("getComputedStyle(document.documentElement).colorScheme");
    expect(await scheme()).toBe("light dark");
    await page.getByLabel("Theme").selectOption("light");
    expect(await scheme()).toBe("light");
    await page.reload();
    await page.getByRole("heading", { name: "Ingest" }).waitFor();
    expect(await scheme()).toBe("light");
  }, 60_000);

  test("a way on which nothing comes any more is seen, and given up for another", async () => {
    await using way = await openWay(world.api.url);
    await using visit = await world.visit({ url: way.url.replace(/\/$/, "") });
    const bar = visit.page.getByRole("banner").getByRole("status");
    await bar.getByText("live").waitFor();
    way.hold();
    await bar.getByText("not connected").waitFor();
    way.release();
    await bar.getByText("live").waitFor();
  }, 60_000);

  test("whose session is ended elsewhere signs in again", async () => {
    await using visit = await world.visit();
    const { page } = visit;
    const other = await page.context().newPage();
    await other.goto(`${world.api.url}/console`);
    await other.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/\/sign-in\?next=%2Fconsole$/);
  }, 60_000);
});

function panel(page: Page, name: string): Locator {
  return page.getByRole("region", { name, exact: true });
}

/** A word with its mark. */
function statusIn(within: Locator, word: string): Locator {
  return within.locator(".status").filter({ hasText: new RegExp(`^\\W?${word}$`) });
}
