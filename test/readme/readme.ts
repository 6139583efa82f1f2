import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const readme = readFileSync(`${root}README.md`, "utf8");

/** The commands of the blocks that are marked as shell, without their comments. */
export function shellCommands(): string[] {
  const blocks = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = ""]) => text);
  return blocks
    .flatMap((text) => text.split("\n").map((line) => line.replace(/\s+# .*$/, "")))
    .filter((line) => line !== "");
}

/**
 * The commands of the table of commands: those of its first column, and, for each text in backticks of its second,
 * the first command with that text as its arguments.
 */
export function tableCommands(): string[] {
  return rows().flatMap(([first = "", second = ""]) => {
    const commands = quotedIn(first);
    if (!commands[0]?.startsWith("npm run ")) return [];
    const name = commands[0].split(" -- ", 1)[0];
    return [...commands, ...quotedIn(second).map((args) => `${name} -- ${args}`)];
  });
}

export interface VariableRow {
  readonly names: readonly string[];
  readonly usedBy: string;
  /** One for each name, or one for all of them; those of API and worker, where they differ, with ` / ` between them. */
  readonly defaults: readonly string[];
}

/** The rows of the table of variables. */
export function variableRows(): VariableRow[] {
  return rows()
    .filter(([first = ""]) => /^`[A-Z][A-Z_]+`/.test(first))
    .map(([first = "", usedBy = "", defaults = ""]) => ({
      names: quotedIn(first),
      usedBy,
      defaults: defaults.replaceAll("`", "").split(", "),
    }));
}

function rows(): string[][] {
  return readme
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

function quotedIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);
}
