import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { sourceFiles } from "./source-tree.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const squawk = `${root}node_modules/.bin/squawk`;

interface Migration {
  readonly file: string;
  readonly text: string;
  readonly isTransactional: boolean;
}

test("squawk finds nothing that would block or break running code", async () => {
  const ups = (await readMigrations()).filter(({ file }) => file.endsWith(".up.sql"));
  const inTransaction = ups.filter((migration) => migration.isTransactional);
  const stepByStep = ups.filter((migration) => !migration.isTransactional);
  expect(await findings(["--assume-in-transaction"], inTransaction)).toBe("");
  expect(await findings([], stepByStep)).toBe("");
});

test("every migration has an up and a down, numbered without gaps", async () => {
  const migrations = await readMigrations();
  const namesOf = (ending: string): string[] =>
    migrations.filter(({ file }) => file.endsWith(ending)).map(({ file }) => file.slice(0, -ending.length));
  const ups = namesOf(".up.sql");
  expect(namesOf(".down.sql")).toEqual(ups);
  expect(ups.length * 2).toBe(migrations.length);
  expect(ups.map((name) => Number(name.slice(0, 4)))).toEqual(ups.map((_, position) => position + 1));
});

test("every migration begins by saying what it locks", async () => {
  const silent = (await readMigrations()).filter(({ text }) => !/^(--.*\n)*-- Locks: /.test(text));
  expect(silent.map(({ file }) => file)).toEqual([]);
});

test("the statement that an index says it serves exists", async () => {
  const ups = (await readMigrations()).filter(({ file }) => file.endsWith(".up.sql"));
  const comments = ups.flatMap(({ text }) => [...text.matchAll(/COMMENT ON INDEX (\S+) IS 'serves ([a-z_.]+)'/g)]);
  // A later comment takes the place of an earlier one.
  const served = [...new Map(comments.map(([, index, name = ""]) => [index, name])).values()];
  const products = sourceFiles.filter((file) => !file.isTest);
  expect(served.length).toBeGreaterThan(40);
  expect(served.filter((name) => !products.some((file) => file.text.includes(`"${name}"`)))).toEqual([]);
});

test("every exclusion of the linter has its reason above it", async () => {
  const lines = (await readFile(`${root}.squawk.toml`, "utf8")).split("\n").map((line) => line.trim());
  let hasReason = false;
  for (const line of lines) {
    if (line.startsWith('"')) expect(hasReason, line).toBe(true);
    else hasReason = line.startsWith("#");
  }
});

/** What squawk has to say about these files, one finding a line. */
async function findings(options: readonly string[], migrations: readonly Migration[]): Promise<string> {
  const paths = migrations.map(({ file }) => `migrations/${file}`);
  const result = run(squawk, [...options, "--reporter", "gcc", ...paths], { cwd: root });
  // It leaves with a code of its own when there are findings; anything else is a failure to run it.
  return await result.then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => {
      if (error.stdout) return error.stdout;
      throw error;
    },
  );
}

async function readMigrations(): Promise<Migration[]> {
  const files = (await readdir(`${root}migrations`)).filter((file) => file.endsWith(".sql")).sort();
  return await Promise.all(
    files.map(async (file) => {
      const text = await readFile(`${root}migrations/${file}`, "utf8");
      return { file, text, isTransactional: !text.startsWith("-- migrate: no-transaction\n") };
    }),
  );
}
