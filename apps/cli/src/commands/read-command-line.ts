import { parseArgs } from "node:util";
import { suggestionFor } from "@millrace/runtime";
import { type CommandDeclaration, type OptionDeclaration, optionsOf } from "./declaration.ts";
import { helpOf, subcommandHelpOf } from "./help.ts";
import { UsageError } from "./usage-error.ts";

type Value<Option extends OptionDeclaration> = Option["type"] extends "boolean"
  ? boolean
  : Option["multiple"] extends true
    ? string[]
    : string;

/** What was given for each option; what has a default is always there. */
export type OptionValues<Options extends Readonly<Record<string, OptionDeclaration>>> = {
  readonly [Name in keyof Options]: Options[Name] extends { readonly default: string | boolean }
    ? Value<Options[Name]>
    : Value<Options[Name]> | undefined;
};

export interface CommandLine<Declaration extends CommandDeclaration> {
  readonly subcommand: keyof Declaration["subcommands"] & string;
  readonly values: OptionValues<Declaration["options"]>;
  readonly positionals: readonly string[];
}

export interface AskedForHelp {
  readonly help: string;
  /** 2 when there was nothing else to do. */
  readonly exitCode: 0 | 2;
}

/**
 * Reads what stands behind a command. Throws a `UsageError` that says what is wrong and what was probably meant.
 */
export function readCommandLine<const Declaration extends CommandDeclaration>(
  declaration: Declaration,
  args: readonly string[],
): CommandLine<Declaration> | AskedForHelp {
  const names = Object.keys(declaration.subcommands);
  const subcommand = tokensOf(declaration, args).find((token) => token.kind === "positional")?.value;
  const isKnown = names.length === 0 || (subcommand !== undefined && names.includes(subcommand));
  if (args.includes("--help") || args.includes("-h") || subcommand === "help") {
    const help = isKnown ? subcommandHelpOf(declaration, subcommand ?? "") : helpOf(declaration);
    return { help, exitCode: 0 };
  }
  if (names.length > 0 && subcommand === undefined) return { help: helpOf(declaration), exitCode: 2 };
  if (!isKnown) {
    const suggestion = suggestionFor(subcommand ?? "", names);
    throw new UsageError(`There is no command "${subcommand}".${suggestion}`, helpOf(declaration));
  }
  const own = names.length === 0 ? undefined : subcommand;
  const { values, positionals } = readOptions(declaration, own, args);
  return {
    // It is one of the names, or there are none; the options are those that were declared, read by them.
    subcommand: (own ?? "") as keyof Declaration["subcommands"] & string,
    values: values as OptionValues<Declaration["options"]>,
    positionals: own === undefined ? positionals : positionals.slice(1),
  };
}

/** Reads options and arguments of one subcommand. Throws a `UsageError`. */
function readOptions(declaration: CommandDeclaration, subcommand: string | undefined, args: readonly string[]) {
  const refused = (text: string): UsageError => new UsageError(text, subcommandHelpOf(declaration, subcommand ?? ""));
  const names = optionsOf(declaration, subcommand).map(([name]) => name);
  for (const token of tokensOf(declaration, args)) {
    if (token.kind !== "option" || names.includes(token.name)) continue;
    const isElsewhere = Object.hasOwn(declaration.options, token.name);
    throw refused(
      isElsewhere
        ? `${token.rawName} does not belong here.`
        : `There is no option ${token.rawName}.${suggestionFor(token.name, names).replace('"', '"--')}`,
    );
  }
  try {
    const read = parseArgs({ ...parsingOf(declaration), args: [...args] });
    const [extra] = takesNone(declaration, subcommand) ? read.positionals.slice(subcommand === undefined ? 0 : 1) : [];
    if (extra !== undefined) throw refused(`"${extra}" does not belong here.`);
    return read;
  } catch (error) {
    if (error instanceof TypeError) throw refused(error.message);
    throw error;
  }
}

function takesNone({ subcommands }: CommandDeclaration, subcommand: string | undefined): boolean {
  return subcommand === undefined || subcommands[subcommand]?.arguments === undefined;
}

/** With negatives `--no-x` is always read as one of `x`, so that only those have them that say so. */
function parsingOf({ options }: CommandDeclaration) {
  return {
    options: Object.fromEntries(Object.entries(options).map(([name, one]) => [name, plain(one)])),
    allowPositionals: true,
    allowNegative: Object.values(options).some(({ isNegative }) => isNegative === true),
  };
}

function tokensOf(declaration: CommandDeclaration, args: readonly string[]) {
  return parseArgs({ ...parsingOf(declaration), args: [...args], strict: false, tokens: true }).tokens;
}

/** Only what `parseArgs` knows. */
function plain({ type, short, multiple, default: fallback }: OptionDeclaration) {
  return {
    type,
    ...(short !== undefined && { short }),
    ...(multiple !== undefined && { multiple }),
    ...(fallback !== undefined && { default: fallback }),
  };
}

/** Whether only help was asked for. */
export function isHelp(read: object): read is AskedForHelp {
  return "help" in read;
}
