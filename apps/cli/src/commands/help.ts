import { type CommandDeclaration, type OptionDeclaration, optionsOf } from "./declaration.ts";

type Line = readonly [left: string, right: string];

/** The help of a command: what there is, and what its options are. */
export function helpOf(declaration: CommandDeclaration): string {
  const { name, about, subcommands, notes } = declaration;
  const lines = Object.entries(subcommands).map(
    ([sub, { summary, arguments: args }]): Line => [args === undefined ? sub : `${sub} ${args}`, summary],
  );
  const options = optionsOf(declaration, undefined).map((entry) => optionLine(entry, true));
  const width = widthOf([...lines, ...options]);
  return partsOf([
    `Usage: millrace ${name}${lines.length === 0 ? "" : " COMMAND"} [OPTIONS]`,
    paragraphs(about),
    listOf(lines, width),
    listOf(options, width),
    paragraphs(notes ?? ""),
  ]);
}

/** The help of a subcommand: only what is of it. */
export function subcommandHelpOf(declaration: CommandDeclaration, name: string): string {
  const subcommand = declaration.subcommands[name];
  if (subcommand === undefined) return helpOf(declaration);
  const { summary, about, arguments: args } = subcommand;
  const options = optionsOf(declaration, name).map((entry) => optionLine(entry, false));
  const sentence = `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`;
  return partsOf([
    `Usage: millrace ${[declaration.name, name, args].filter((part) => part !== undefined).join(" ")} [OPTIONS]`,
    paragraphs(about === undefined ? sentence : `${sentence} ${about}`),
    listOf(options, widthOf(options)),
    paragraphs(declaration.notes ?? ""),
  ]);
}

function partsOf(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join("\n\n");
}

function optionLine([name, option]: readonly [string, OptionDeclaration], isOfAll: boolean): Line {
  const { summary, value, of, isNegative } = option;
  const left = `--${isNegative === true ? "no-" : ""}${name}${value === undefined ? "" : ` ${value}`}`;
  return [left, isOfAll && of !== undefined ? `${summary} (${of.join(", ")})` : summary];
}

function widthOf(lines: readonly Line[]): number {
  return Math.max(...lines.map(([left]) => left.length));
}

/** Columns; what goes beyond the width of a terminal goes on below itself. */
function listOf(lines: readonly Line[], width: number): string {
  return lines
    .map(
      ([left, right]) => `  ${left.padEnd(width)}  ${wrapped(right, 110 - width).join(`\n${" ".repeat(width + 4)}`)}`,
    )
    .join("\n");
}

function paragraphs(text: string): string {
  return text
    .split("\n")
    .map((line) => (line.includes("  ") ? line : wrapped(line, 118).join("\n")))
    .join("\n");
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
