import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { loadTestConfig } from "./config.ts";

/** Where Chromium is, if the system has it: Debian's, or Google's build of it. */
export async function findBrowser(searchPath = loadTestConfig(process.env).searchPath): Promise<string | undefined> {
  for (const name of ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]) {
    for (const folder of searchPath.split(delimiter)) {
      const file = join(folder, name);
      const isThere = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return file;
    }
  }
  return undefined;
}

/**
 * Starts the browser that `findBrowser` gave, without a window, and with a profile of its own that goes when it is
 * closed. It calls nobody by itself.
 */
export async function openBrowser(executablePath: string): Promise<Browser> {
  // Loaded here: it takes a moment, which tests without a browser need not wait.
  const { chromium } = await import("playwright-core");
  return await chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/**
 * What axe-core finds against WCAG 2.1 AA, with where it is. It is run from outside the page, whose policy lets no
 * script in.
 */
export async function violationsOn(page: Page): Promise<unknown> {
  await page.evaluate(axe.source);
  return await page.evaluate(
    `axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] })
      .then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))`,
  );
}
