import { globSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { type Program, parseSync, type StaticExport, type StaticImport } from "oxc-parser";

/** The repository's folder. */
export const root = join(import.meta.dirname, "../..");

/** One import or re-export: where it stands and what it asks for, as it is written. */
export interface Import {
  readonly file: string;
  readonly specifier: string;
  /** True if it is gone at run time. */
  readonly isTypeOnly: boolean;
}

export interface SourceFile {
  /** From the repository's folder, with forward slashes. */
  readonly path: string;
  /** The folder of the workspace that it belongs to, such as `packages/db`; `.` for the root's own files. */
  readonly workspace: string;
  /** True for tests and for what only tests use. */
  readonly isTest: boolean;
  readonly text: string;
  readonly program: Program;
  readonly imports: readonly Import[];
  readonly exports: readonly StaticExport[];
}

export interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Every TypeScript file of the repository, parsed. */
export const sourceFiles: readonly SourceFile[] = globSync(["{apps,packages,bench,test}/**/*.ts", "*.ts"], {
  cwd: root,
  exclude: (path) => path.split(/[\\/]/).includes("node_modules"),
})
  .map((path) => read(path.replaceAll("\\", "/")))
  .toSorted((a, b) => a.path.localeCompare(b.path));

/** The manifests of all workspaces by folder, and the root's own at `.`. */
export const manifests: ReadonlyMap<string, Manifest> = new Map(
  globSync(["package.json", "{apps,packages}/*/package.json"], { cwd: root }).map((path) => [
    dirname(path).replaceAll("\\", "/"),
    JSON.parse(readFileSync(join(root, path), "utf8")) as Manifest, // npm has accepted it
  ]),
);

/** The file that a relative import means, or `undefined` if it means a package. */
export function fileOf({ file, specifier }: Import): string | undefined {
  return specifier.startsWith(".") ? posix.join(posix.dirname(file), specifier) : undefined;
}

/** The package that a specifier means: `@scope/name` of `@scope/name/door`. */
export function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** The workspace folder of a package of ours, such as `packages/db` for `@millrace/db`. */
export function workspaceOf(packageName: string): string | undefined {
  return manifests.entries().find(([folder, manifest]) => folder !== "." && manifest.name === packageName)?.[0];
}

function read(path: string): SourceFile {
  const text = readFileSync(join(root, path), "utf8");
  const { program, module, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`${path} is not valid TypeScript: ${errors[0].message}`);
  const importOf = (specifier: string, isTypeOnly: boolean): Import => ({ file: path, specifier, isTypeOnly });
  return {
    path,
    workspace: /^(?:apps|packages)\/[^/]+/.exec(path)?.[0] ?? ".",
    isTest: /\.test\.ts$|\/testing\/|^test\/|^bench\/|^[^/]+$/.test(path),
    text,
    program,
    exports: module.staticExports,
    imports: [
      ...module.staticImports.map((found) => importOf(found.moduleRequest.value, isTypeImport(found))),
      ...module.staticExports.flatMap(({ entries }) =>
        entries.flatMap(({ moduleRequest, isType }) => (moduleRequest ? [importOf(moduleRequest.value, isType)] : [])),
      ),
      ...module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) => {
        const literal = /^["'`](.*)["'`]$/.exec(text.slice(start, end))?.[1];
        return literal === undefined ? [] : [importOf(literal, false)];
      }),
    ],
  };
}

function isTypeImport({ entries }: StaticImport): boolean {
  return entries.length > 0 && entries.every((entry) => entry.isType);
}
