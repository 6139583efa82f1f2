import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { checksumOf, withPlainLines } from "./checksum.ts";
import { isUnnamedConcurrentIndex } from "./concurrent-index.ts";
import { MigrationError, type MigrationErrorCode } from "./migration-error.ts";
import { type SqlStatement, splitStatements } from "./split-statements.ts";

/** One of the two files of a migration. */
export interface Script {
  readonly fileName: string;
  readonly checksum: string;
  readonly statements: readonly SqlStatement[];
  /** False when the file is marked `-- migrate: no-transaction`. */
  readonly inTransaction: boolean;
  /** True when a down file is marked `-- migrate: irreversible`. */
  readonly isIrreversible: boolean;
}

export interface Migration {
  readonly version: number;
  /** `0001_name`, without an ending. */
  readonly id: string;
  readonly name: string;
  readonly up: Script;
  readonly down: Script;
}

const fileNameForm = /^(?<version>\d{4})_(?<name>[a-z0-9_]+)\.(?<direction>up|down)\.sql$/;

export function idOf(version: number, name: string): string {
  return `${String(version).padStart(4, "0")}_${name}`;
}

/**
 * Reads a folder of migrations in order of version. It must hold an up and a down file for each
 * version from 0001 on without a gap; files that don't end in `.sql` are left alone.
 */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const fileNames = (await readdir(directory)).filter((name) => name.endsWith(".sql")).sort();
  const scripts = new Map<string, Script>();
  const namesByVersion = new Map<number, Set<string>>();
  for (const fileName of fileNames) {
    const { version, name } = partsOf(fileName);
    const names = namesByVersion.get(version) ?? new Set();
    namesByVersion.set(version, names.add(name));
    scripts.set(fileName, scriptOf(fileName, await readFile(join(directory, fileName), "utf8")));
  }
  return [...namesByVersion].map(([version, names], index) => {
    if (version !== index + 1) throw gap(version, index + 1);
    const [name, other] = names;
    if (name === undefined || other !== undefined) throw duplicate(version, [...names]);
    const id = idOf(version, name);
    return { version, id, name, up: scriptFor(id, "up", scripts), down: scriptFor(id, "down", scripts) };
  });
}

function partsOf(fileName: string): { version: number; name: string } {
  const { version, name } = fileNameForm.exec(fileName)?.groups ?? {};
  if (version === undefined || name === undefined) {
    throw new MigrationError(
      "BAD_FILE_NAME",
      `${fileName}: migrations are called NNNN_name.up.sql and NNNN_name.down.sql, the name in a-z, 0-9 and _`,
    );
  }
  return { version: Number(version), name };
}

function scriptFor(id: string, direction: "up" | "down", scripts: ReadonlyMap<string, Script>): Script {
  const script = scripts.get(`${id}.${direction}.sql`);
  if (script !== undefined) return script;
  throw new MigrationError(
    direction === "up" ? "MISSING_UP" : "MISSING_DOWN",
    `${id}.${direction}.sql is missing: each migration has an up and a down file`,
  );
}

/** Reads one file; what is wrong with it is said with its name. */
export function scriptOf(fileName: string, raw: string): Script {
  const text = withPlainLines(raw);
  const markers = markersOf(fileName, text);
  const statements = statementsOf(fileName, text);
  for (const { code, line } of statements) {
    const refuse = (errorCode: MigrationErrorCode, why: string): never => {
      throw new MigrationError(errorCode, `${fileName}, line ${line}: ${why}`);
    };
    if (/^(begin|start\s+transaction|commit|end|rollback|abort|prepare\s+transaction)\b/i.test(code)) {
      refuse("TRANSACTION_CONTROL", "the runner begins and ends transactions; leave this statement out");
    }
    if (isUnnamedConcurrentIndex(code)) {
      refuse("UNNAMED_INDEX", "give the index a name, so that what a crash leaves of it can be found again");
    }
  }
  return {
    fileName,
    checksum: checksumOf(text),
    statements,
    inTransaction: !markers.includes("no-transaction"),
    isIrreversible: markers.includes("irreversible"),
  };
}

function statementsOf(fileName: string, text: string): SqlStatement[] {
  try {
    return splitStatements(text);
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    throw new MigrationError(error.code, `${fileName}, ${error.message}`, { cause: error });
  }
}

/** The `-- migrate: …` lines. They stand above the first statement, where a reader looks for them. */
function markersOf(fileName: string, text: string): string[] {
  const known = fileName.endsWith(".down.sql") ? ["no-transaction", "irreversible"] : ["no-transaction"];
  const header = /^(?:[ \t]*(?:--[^\n]*)?(?:\n|$))*/.exec(text)?.[0] ?? "";
  const markersIn = (part: string): string[] =>
    [...part.matchAll(/^[ \t]*--[ \t]*migrate:[ \t]*([^\s:]*)/gm)].map(([, marker]) => marker ?? "");
  const markers = markersIn(header);
  const unknown = markers.find((marker) => !known.includes(marker));
  if (unknown !== undefined) {
    throw new MigrationError("BAD_MARKER", `${fileName}: "-- migrate: ${unknown}" is not one of ${known.join(", ")}`);
  }
  if (markersIn(text.slice(header.length)).length > 0) {
    throw new MigrationError("BAD_MARKER", `${fileName}: "-- migrate:" lines belong above the first statement`);
  }
  return markers;
}

function gap(found: number, expected: number): MigrationError {
  const [after, wanted] = [found, expected].map((version) => String(version).padStart(4, "0"));
  return new MigrationError("GAP", `${wanted} is missing before ${after}: number migrations from 0001 without gaps`);
}

function duplicate(version: number, names: readonly string[]): MigrationError {
  const ids = names.map((name) => idOf(version, name)).join(" and ");
  return new MigrationError(
    "DUPLICATE_VERSION",
    `${ids} have the same number: give the newer one the next free number`,
  );
}
