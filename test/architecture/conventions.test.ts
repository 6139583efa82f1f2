import { expect, test } from "vitest";
import { environmentReads, namesIn } from "./calls.ts";
import { sourceFiles } from "./source-tree.ts";

const products = sourceFiles.filter((file) => !file.isTest);
const tests = sourceFiles.filter((file) => file.path.endsWith(".test.ts"));

test("the environment is only ever handed whole to the function that checks it", () => {
  const piecemeal = sourceFiles.flatMap((file) => {
    const { reads, handedOver } = environmentReads(file.program);
    return reads === handedOver ? [] : [file.path];
  });
  expect(piecemeal).toEqual([]);
});

test("packages do not look at the environment, and in an app each command does at one place", () => {
  const readers = products.filter((file) => environmentReads(file.program).reads > 0).map((file) => file.path);
  expect(readers.filter((path) => path.startsWith("packages/"))).toEqual([]);
  const commands = readers.map((path) => path.slice(0, path.lastIndexOf("/")));
  expect(new Set(commands).size).toBe(commands.length);
});

test("jobs have unique wire names of the form feature.verb_object", () => {
  const names = products.flatMap((file) => namesIn(file, "defineJob"));
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !isFeatureName(name))).toEqual([]);
  expect(repeatedIn(names)).toEqual([]);
});

test("statements have unique names of the form feature.verb_object", () => {
  const names = products.flatMap((file) => namesIn(file, "statement"));
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !isFeatureName(name))).toEqual([]);
  expect(repeatedIn(names)).toEqual([]);
});

test("a module lists what it exports", () => {
  const open = sourceFiles.filter((file) =>
    file.exports.some(({ entries }) => entries.some(({ importName }) => importName.kind === "AllButDefault")),
  );
  expect(open.map((file) => file.path)).toEqual([]);
});

test("nothing is a default export but the configuration of a tool", () => {
  const found = sourceFiles.filter((file) =>
    file.exports.some(({ entries }) => entries.some(({ exportName }) => exportName.kind === "Default")),
  );
  const isTool = (path: string): boolean => /^[^/]+\.config\.ts$|^test\/setup\//.test(path);
  expect(found.map((file) => file.path).filter((path) => !isTool(path))).toEqual([]);
});

test("no test is left out or run alone", () => {
  const found = tests.filter((file) => /\b(?:test|describe|it)\.(?:only|skip|todo|fails)\(/.test(file.text));
  expect(found.map((file) => file.path)).toEqual([]);
});

function isFeatureName(name: string): boolean {
  return /^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z0-9]+)*$/.test(name);
}

function repeatedIn(names: readonly string[]): string[] {
  return names.filter((name, at) => names.indexOf(name) !== at);
}
