import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

/** What the browser runs, by the names that it asks for. */
export type Files = ReadonlyMap<string, string>;

const browser = new URL("browser/", import.meta.url);

/** What is taken from packages, and what makes a module of it. */
const libraries = {
  "preact.mjs": { from: "preact", end: "" },
  "preact-hooks.mjs": { from: "preact/hooks", end: "" },
  // Its module is twice as large as its script.
  "uplot.mjs": { from: "uplot/dist/uPlot.iife.min.js", end: "export default uPlot;\n" },
  "uplot.css": { from: "uplot/dist/uPlot.min.css", end: "" },
} as const;

/** By which of these files the browser finds what the modules import by name. */
export const importedAs = { preact: "preact.mjs", "preact/hooks": "preact-hooks.mjs", uplot: "uplot.mjs" } as const;

/** Reads all that the page is made of. */
export async function loadFiles(): Promise<Files> {
  const names = (await readdir(fileURLToPath(browser), { recursive: true }))
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts"))
    .toSorted();
  const sources = await Promise.all(names.map((name) => readFile(new URL(name, browser), "utf8")));
  const stripped = await stripTypes(sources);
  const modules = names.map((name, at) => [name, stripped[at] ?? ""] as const);
  const styles = ["theme.css", "console.css"].map(
    async (name) => [name, await readFile(new URL(name, import.meta.url), "utf8")] as const,
  );
  const taken = Object.entries(libraries).map(async ([name, { from, end }]) => {
    const text = await readFile(new URL(import.meta.resolve(from)), "utf8");
    return [name, text.replace(/^\/\/# sourceMappingURL=.*$/m, "") + end] as const;
  });
  return new Map([...modules, ...(await Promise.all([...styles, ...taken]))]);
}

async function stripTypes(sources: readonly string[]): Promise<readonly string[]> {
  const thread = new Worker(new URL("strip-types.ts", import.meta.url), { workerData: sources });
  try {
    const [stripped] = (await once(thread, "message")) as [readonly string[]]; // the only thing that it sends
    return stripped;
  } finally {
    await thread.terminate();
  }
}
