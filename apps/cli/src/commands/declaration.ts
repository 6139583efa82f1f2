/** An option of a command; what `parseArgs` needs to know of it, and what people do. */
export interface OptionDeclaration {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly multiple?: boolean;
  readonly default?: string | boolean;
  /** What stands for its value in the help. */
  readonly value?: string;
  /** The values that there are, for completion. */
  readonly choices?: readonly string[];
  /** The subcommands that take it; without it, all do. */
  readonly of?: readonly string[];
  readonly summary: string;
  /** Whether its negative, `--no-NAME`, is what people say. */
  readonly isNegative?: boolean;
}

export interface SubcommandDeclaration {
  readonly summary: string;
  /** What stands for its arguments in the help, such as `ID …`; without it, it takes none. */
  readonly arguments?: string;
  /** More than the summary, for its own help. */
  readonly about?: string;
}

/** A command, declared once: help, reading, suggestions and completion follow from it. */
export interface CommandDeclaration {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  readonly about: string;
  readonly subcommands: Readonly<Record<string, SubcommandDeclaration>>;
  readonly options: Readonly<Record<string, OptionDeclaration>>;
  /** What comes after the options: the environment, exit codes. */
  readonly notes?: string;
}

export const helpOption = { type: "boolean", short: "h", default: false, summary: "show this text" } as const;
export const jsonOption = { type: "boolean", default: false, summary: "write JSON instead of text" } as const;
export const urlOption = {
  type: "string",
  value: "URL",
  summary: "where Millrace listens (default: the one that `npm start` runs)",
} as const;

export const adminKeyNote =
  "The environment's MILLRACE_KEY is a key with the scope admin; without it, the development key of `npm start`.";
export const databaseNote = "DATABASE_URL says which database; without it, the one that `npm start` runs.";

/** The options of a subcommand. */
export function optionsOf(
  { options }: Pick<CommandDeclaration, "options">,
  subcommand: string | undefined,
): readonly (readonly [name: string, option: OptionDeclaration])[] {
  const isTaken = ({ of }: OptionDeclaration): boolean =>
    subcommand === undefined || of === undefined || of.includes(subcommand);
  return Object.entries(options).filter(([, option]) => isTaken(option));
}
