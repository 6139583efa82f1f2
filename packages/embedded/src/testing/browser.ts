import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Browser } from "playwright-core";
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
