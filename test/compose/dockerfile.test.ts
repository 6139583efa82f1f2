import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./compose-file.ts";

const instructions = readFileSync(join(root, "Dockerfile"), "utf8")
  .replaceAll("\\\n", " ")
  .split("\n")
  .flatMap((line) => {
    const found = /^([A-Z]+)\s+(.*)$/.exec(line);
    return found === null ? [] : [{ name: found[1] ?? "", rest: found[2] ?? "" }];
  });
const image = instructions.slice(instructions.findLastIndex(({ name }) => name === "FROM"));

test("what is copied into the image is there, and .dockerignore lets it through", () => {
  const ignore = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
  const sources = all("COPY", instructions).flatMap((rest) =>
    rest.startsWith("--from=") ? [] : rest.split(/\s+/).slice(0, -1),
  );
  expect(sources.length).toBeGreaterThan(0);
  expect(sources.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  expect(sources.filter((path) => !ignore.includes(`!${path}`))).toEqual([]);
});

test("the image runs as an ordinary user", () => {
  expect(all("USER", image)).toEqual(["node"]);
});

test("Node is process 1, so that a signal reaches it", () => {
  const [command = ""] = all("CMD", image);
  const words = JSON.parse(command) as unknown; // exec form, or this throws
  expect(words).toEqual(["node", expect.stringMatching(/^apps\/.*\/main\.ts$/)]);
  expect(all("STOPSIGNAL", image)).toEqual(["SIGTERM"]);
  expect(all("ENTRYPOINT", image)).toEqual([]);
});

test("the image has the Node that the npm scripts have", () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    dependencies: { node: string };
  }; // the repository's own
  const [base] = all("FROM", instructions);
  expect(base).toBe(`node:${dependencies.node}-slim AS base`);
});

function all(name: string, list: typeof instructions): string[] {
  return list.flatMap((instruction) => (instruction.name === name ? [instruction.rest] : []));
}
