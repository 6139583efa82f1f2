import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sourceFiles } from "../architecture/source-tree.ts";
import { root, variableRows } from "../readme/readme.ts";

const folder = join(root, "docs/runbooks");
const texts = readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));
const sources = sourceFiles.filter(({ isTest }) => !isTest).map(({ path, text }) => ({ path, text }));
const isIn = (part: string, words: string): boolean =>
  sources.some(({ path, text }) => path.startsWith(part) && text.includes(words));

/** What the runbooks say, by where they say it. */
function said(pattern: RegExp): (readonly [where: string, what: string])[] {
  return texts.flatMap(({ name, text }) =>
    [...text.replaceAll(/\s+/g, " ").matchAll(pattern)].map(([, what = ""]) => [name, what] as const),
  );
}

test("they send nobody to a route that is not there", () => {
  const routes = said(/`(?:GET|POST) (\/[\w/-]*)/g).filter(([, route]) => route !== "/");
  expect(routes.length).toBeGreaterThan(20);
  // What stands for a value is in capitals there, and begins with a colon here.
  const declared = (route: string): boolean =>
    isIn("apps/api/src", `"${route.replaceAll(/\/(?:ID|RULE)\b/g, "/:")}`) ||
    isIn("apps/api/src", `"${route.split(/\/(?:ID|RULE)\b/)[0]}/:`);
  expect(routes.filter(([, route]) => !declared(route))).toEqual([]);
});

test("they have nobody run a command that is not there", () => {
  const commands = said(/`npm run ([a-z-]+(?: -- [a-z]+)?)/g);
  expect(commands.length).toBeGreaterThan(15);
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const unknown = commands.filter(([, line]) => {
    const [name = "", subcommand] = line.split(" -- ");
    if (!(name in scripts)) return true;
    return subcommand !== undefined && !isIn(`apps/cli/src/${name}/declaration`, `    ${subcommand}: {`);
  });
  expect(unknown).toEqual([]);
});

test("they name no variable and no figure that is not there", () => {
  const variables = new Set(variableRows().flatMap(({ names }) => names));
  const ours = /\b((?:DATABASE|INGEST|PARTITION|ALERT|BACKUP|EVENT|CACHE|PUBLIC|QUEUE)_[A-Z_]*[A-Z])\b/g;
  const unknown = said(ours).filter(([, name]) => !variables.has(name) && !isPartly(name, variables));
  expect(unknown).toEqual([]);
  const figures = said(/\b(millrace_[a-z_]+)\b/g).filter(
    ([, name]) => !isIn("", `"${name.replace(/_(?:count|sum|bucket)$/, "")}"`),
  );
  expect(figures.map(([, name]) => name).filter((name) => name !== "millrace_backup")).toEqual([]);
});

/** `PARTITION_RETENTION_DAYS` or `_BYTES`; a setting of docker compose is in the example of its file. */
function isPartly(name: string, variables: ReadonlySet<string>): boolean {
  const example = readFileSync(join(root, ".env.example"), "utf8");
  return example.includes(name) || [...variables].some((one) => one.startsWith(`${name}_`));
}

test("they lead to each other only where somebody is", () => {
  const names = new Set(texts.map(({ name }) => name));
  const links = said(/\]\(([\w-]+\.md)\)/g);
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter(([, name]) => !names.has(name))).toEqual([]);
});
