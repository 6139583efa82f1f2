import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey, type Scope } from "@millrace/access";
import type { Db } from "@millrace/db";
import { openBrowser } from "@millrace/embedded/testing";
import type { Page } from "playwright-core";
import { type Api, startFleet } from "../domain/fleet.ts";

export interface Look {
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
  /** Of the key that one signs in with. */
  readonly scopes?: readonly Scope[];
  /** Where the API is reached. Default: its own address. */
  readonly url?: string;
}

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** Where the browser's requests went. */
  readonly origins: ReadonlySet<string>;
  /** What it complained of: refused scripts, failed requests, errors of the page. */
  readonly complaints: readonly string[];
}

export interface ConsoleWorld extends AsyncDisposable {
  readonly db: Db;
  readonly api: Api;
  /** Signs in, and opens the console. */
  visit(look?: Look): Promise<Visit>;
}

/** An API and a worker as processes, in which an alert fires as soon as it is looked at, and a browser. */
export async function openConsole(program: string): Promise<ConsoleWorld> {
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(await mkdtempDisposable(join(tmpdir(), "millrace-console-")));
  const rules = join(folder.path, "rules.json");
  await writeFile(rules, JSON.stringify([{ id: "connections", fire_at: 0, clear_at: -1, for_seconds: 0 }]));
  const fleet = parts.use(await startFleet({ apis: 1, workers: 1, environment: { ALERT_RULES: rules } }));
  const browser = parts.use(await openBrowser(program));
  const [api] = fleet.apis;
  if (api === undefined) throw new Error("The fleet has no API");
  const { db } = fleet;
  const open = parts.move();

  async function visit(look: Look = {}): Promise<Visit> {
    const { colorScheme = "dark", width = 1_280, scopes = ["read", "admin"], url = api?.url } = look;
    const { key } = await createKey(db, { name: "ann", scopes });
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 844 } });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const origins = new Set<string>();
    const complaints: string[] = [];
    page.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== "data:") origins.add(origin);
    });
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`${url}/console`);
    await page.getByLabel("API key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Ingest" }).waitFor();
    return { page, origins, complaints, [Symbol.asyncDispose]: () => context.close() };
  }

  return { db, api, visit, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
