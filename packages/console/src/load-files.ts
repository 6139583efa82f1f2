import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

/** What the browser runs, by the names that it asks for. */
export type Files = ReadonlyMap<string, string>;

const browser = new URL("browser/", import.meta.url);

/** What is taken from packages: the file, what modules import it as, and what makes a module of it. */
const libraries = [
  { name: "preact.mjs", from: "preact", importedAs: "preact", end: "" },
  { name: "preact-hooks.mjs", from: "preact/hooks", importedAs: "preact/hooks", end: "" },
  // Its module is twice as large as its script.
  { name: "uplot.mjs", from: "uplot/dist/uPlot.iife.min.js", importedAs: "uplot", end: "export default uPlot;\n" },
  { name: "uplot.css", from: "uplot/dist/uPlot.min.css", importedAs: undefined, end: "" },
] as const;

/** Reads all that the page is made of. Modules import each other, and packages, by relative names. */
export async function loadFiles(): Promise<Files> {
  const names = (await readdir(fileURLToPath(browser), { recursive: true }))
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts"))
    .toSorted();
  const sources = await Promise.all(names.map((name) => readFile(new URL(name, browser), "utf8")));
  const stripped = await stripTypes(sources);
  const modules = names.map((name, at) => [name, stripped[at] ?? ""] as const);
  const taken = libraries.map(async ({ name, from, end }) => {
    const text = await readFile(new URL(import.meta.resolve(from)), "utf8");
    return [name, text.replace(/^\/\/# sourceMappingURL=.*$/m, "") + end] as const;
  });
  const styles = ["theme.css", "console.css"].map(
    async (name) => [name, await readFile(new URL(name, import.meta.url), "utf8")] as const,
  );
  const all = [...modules, ...(await Promise.all([...styles, ...taken]))];
  return new Map(all.map(([name, text]) => [name, withRelativeImports(name, text)]));
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

/** The browser knows of no packages, and an import map would be a script in the page. */
function withRelativeImports(name: string, text: string): string {
  const up = "../".repeat(name.split("/").length - 1) || "./";
  return libraries.reduce(
    (done, library) =>
      library.importedAs === undefined
        ? done
        : done.replace(new RegExp(`(\\bfrom\\s*)"${library.importedAs}"`, "g"), `$1"${up}${library.name}"`),
    text,
  );
}
