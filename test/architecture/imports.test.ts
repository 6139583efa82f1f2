import { existsSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findCycle } from "./find-cycle.ts";
import {
  fileOf,
  type Import,
  manifests,
  packageOf,
  root,
  type SourceFile,
  sourceFiles,
  workspaceOf,
} from "./source-tree.ts";

/** What each package may use of ours. Apps may use every package; in tests `@millrace/embedded` is open to all. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "@millrace/runtime": [],
  "@millrace/cache": ["@millrace/runtime"],
  "@millrace/client": [],
  "@millrace/console": [],
  "@millrace/events": [],
  "@millrace/db": ["@millrace/runtime"],
  "@millrace/jobs": ["@millrace/runtime"],
  "@millrace/fleet": ["@millrace/db", "@millrace/jobs", "@millrace/runtime"],
  "@millrace/tail": ["@millrace/events", "@millrace/runtime"],
  "@millrace/embedded": ["@millrace/db", "@millrace/runtime"],
  "@millrace/access": ["@millrace/cache", "@millrace/db"],
  "@millrace/domain": ["@millrace/db", "@millrace/runtime"],
  "@millrace/backup": ["@millrace/db", "@millrace/embedded", "@millrace/upkeep"],
  "@millrace/upkeep": ["@millrace/db", "@millrace/runtime"],
};

const packages = sourceFiles.filter((file) => file.workspace.startsWith("packages/"));

test("the files import each other without a cycle", () => {
  const edges = new Map(
    sourceFiles.map((file) => [file.path, file.imports.flatMap((found) => fileOf(found) ?? [])] as const),
  );
  expect(findCycle(edges)).toBeUndefined();
});

test("every relative import means a file that is there", () => {
  const missing = importsOf(sourceFiles, (found) => {
    const file = fileOf(found);
    return file !== undefined && !existsSync(join(root, file));
  });
  expect(missing).toEqual([]);
});

test("the table of allowed imports names every package, and only those", () => {
  const names = [...manifests].flatMap(([folder, { name }]) => (folder.startsWith("packages/") ? [name] : []));
  expect(Object.keys(allowed).toSorted()).toEqual(names.toSorted());
});

test("a package uses only the packages that the table allows it", () => {
  const strangers = packages.flatMap((file) => {
    const own = manifests.get(file.workspace)?.name ?? "";
    const open = [...(allowed[own] ?? []), own, ...(file.isTest ? ["@millrace/embedded", "@millrace/db"] : [])];
    return importsOf([file], ({ specifier }) => isOurs(specifier) && !open.includes(packageOf(specifier)));
  });
  expect(strangers).toEqual([]);
});

test("the allowed imports between packages have no cycle", () => {
  expect(findCycle(new Map(Object.entries(allowed)))).toBeUndefined();
});

test("no package imports an app, and no app another", () => {
  const strangers = sourceFiles.flatMap((file) =>
    importsOf([file], ({ specifier }) => {
      const target = workspaceOf(packageOf(specifier)) ?? "";
      return target.startsWith("apps/") && file.workspace !== "." && file.workspace !== target;
    }),
  );
  expect(strangers).toEqual([]);
});

test("a workspace is entered only by its front doors, never by a path", () => {
  const byPath = sourceFiles.flatMap((file) =>
    importsOf([file], (found) => {
      const target = fileOf(found);
      const folder = /^(?:apps|packages)\/[^/]+/.exec(target ?? "")?.[0];
      return folder !== undefined && folder !== file.workspace;
    }),
  );
  const byUnknownDoor = importsOf(sourceFiles, ({ specifier }) => isOurs(specifier) && !isDoor(specifier));
  expect([...byPath, ...byUnknownDoor]).toEqual([]);
});

test("every door of a package is a file that is there", () => {
  const missing = [...manifests].flatMap(([folder, { exports = {} }]) =>
    Object.values(exports).filter((file) => !existsSync(join(root, folder, file))),
  );
  expect(missing).toEqual([]);
});

test("what a file imports is declared by its own workspace", () => {
  const undeclared = sourceFiles.flatMap((file) => {
    const declared = declaredFor(file);
    return importsOf(
      [file],
      ({ specifier }) => !/^(?:\.|node:)/.test(specifier) && !declared.has(packageOf(specifier)),
    );
  });
  expect(undeclared).toEqual([]);
});

test("Node's own modules are written with their node: prefix", () => {
  expect(importsOf(sourceFiles, ({ specifier }) => isUnprefixedBuiltin(specifier))).toEqual([]);
});

function isOurs(specifier: string): boolean {
  return specifier.startsWith("@millrace/");
}

function isUnprefixedBuiltin(specifier: string): boolean {
  return !specifier.startsWith("node:") && builtinModules.includes(specifier);
}

function isDoor(specifier: string): boolean {
  const name = packageOf(specifier);
  const folder = workspaceOf(name);
  return folder !== undefined && `.${specifier.slice(name.length)}` in (manifests.get(folder)?.exports ?? {});
}

/** Tests also see what only they need, and the tools of the root. */
function declaredFor(file: SourceFile): ReadonlySet<string> {
  const own = manifests.get(file.workspace);
  const tools = manifests.get(".");
  return new Set([
    own?.name ?? "",
    ...Object.keys(own?.dependencies ?? {}),
    ...(file.isTest ? Object.keys({ ...own?.devDependencies, ...tools?.devDependencies }) : []),
    // The root is no workspace of its own: bench/ and test/ reach the packages as npm has linked them.
    ...(file.workspace === "." ? [...manifests.values()].map(({ name }) => name) : []),
  ]);
}

function importsOf(files: readonly SourceFile[], isWrong: (found: Import) => boolean): string[] {
  return files.flatMap((file) =>
    file.imports.filter(isWrong).map(({ specifier }) => `${file.path} imports ${specifier}`),
  );
}
