import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { variablesOf } from "../compose/app-variables.ts";
import { root, variableRows } from "./readme.ts";

const sources = [
  "apps/api/src/config.ts",
  "apps/worker/src/config.ts",
  "apps/cli/src/config.ts",
  "packages/embedded/src/testing/config.ts",
  "packages/runtime/src/alert-config.ts",
  "packages/runtime/src/backup-config.ts",
  "packages/runtime/src/database-config.ts",
  "packages/runtime/src/retention-config.ts",
  "packages/runtime/src/tracing/tracing-config.ts",
];
const rows = variableRows();
const inTable = rows.flatMap(({ names }) => names);

/** What is read but is not a setting of ours. */
const notOurs = new Set(["PATH"]);

test("the table has every variable that a configuration reads, and no other", () => {
  const read = sources.flatMap((path) =>
    [...readFileSync(join(root, path), "utf8").matchAll(/^ +([A-Z][A-Z_]+): /gm)].map(([, name = ""]) => name),
  );
  const ours = new Set(read.filter((name) => !notOurs.has(name)));
  expect(inTable.toSorted()).toEqual([...ours].sort());
});

test("the table says of each variable which app reads it, and its defaults", async () => {
  const apps = [
    { name: "API", variables: await variablesOf(["node", "apps/api/src/main.ts"]) },
    { name: "worker", variables: await variablesOf(["node", "apps/worker/src/main.ts"]) },
  ];
  for (const { names, usedBy, defaults } of rows) {
    for (const [at, name] of names.entries()) {
      const readers = apps.filter(({ variables }) => variables.has(name));
      if (readers.length === 0) continue; // of a command, whose help has it
      expect([name, usedBy]).toEqual([
        name,
        ofReaders(
          readers.map((reader) => reader.name),
          usedBy,
        ),
      ]);
      const expected = [...new Set(readers.map(({ variables }) => variables.get(name)))];
      const written = (defaults[at] ?? defaults[0] ?? "").split(" / ").map(inBytes);
      // A variable without a default has a word there for what happens then.
      if (expected[0] === undefined) expect(written.join()).not.toMatch(/\d/);
      else expect([name, ...written]).toEqual([name, ...expected]);
    }
  }
});

test("what docker compose is to be given is in .env.example, and no more", () => {
  const compose = readFileSync(join(root, "docker-compose.yml"), "utf8");
  const example = readFileSync(join(root, ".env.example"), "utf8");
  const asked = new Set(
    [...compose.matchAll(/\$\{([A-Z_]+)|\{ environment: ([A-Z_]+) \}/g)].map(([, value, secret]) => value ?? secret),
  );
  const explained = [...example.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name = ""]) => name);
  expect(explained.toSorted()).toEqual([...asked].sort());
});

/** "all" are the apps and the commands. */
function ofReaders(names: readonly string[], usedBy: string): string {
  return names.length === 2 && usedBy === "all" ? "all" : names.join(", ");
}

function inBytes(text: string): string {
  const { count, unit = "" } = /^(?<count>\d+)(?<unit>[KMG])B$/.exec(text)?.groups ?? {};
  return count === undefined ? text : String(Number(count) * 1_024 ** ("KMG".indexOf(unit) + 1));
}
