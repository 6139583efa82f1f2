import { say } from "../command-error.ts";
import { type CommandDeclaration, optionsOf } from "../commands/declaration.ts";
import { runDeclared } from "../commands/run-declared.ts";
import { completionCommand } from "./declaration.ts";

/** `completion bash|zsh`, of what was declared. Gives the exit code. */
export async function runCompletion(args: string[], declarations: readonly CommandDeclaration[]): Promise<number> {
  return await runDeclared(completionCommand, args, async ({ subcommand }) =>
    say(subcommand === "bash" ? bashOf(declarations) : zshOf(declarations), 0),
  );
}

/** Which words may come: after the command itself, after each subcommand, after an option that has only some values. */
function casesOf(declarations: readonly CommandDeclaration[]): string {
  return declarations
    .flatMap((declaration) => {
      const { name, subcommands, options } = declaration;
      const values = Object.entries(options).flatMap(([option, { choices }]) =>
        choices === undefined ? [] : [caseOf(`${name} * --${option} `, choices)],
      );
      const subs = Object.keys(subcommands).map((sub) => caseOf(`${name} ${sub} *`, flagsOf(declaration, sub)));
      const last = subs.length === 0 ? [caseOf(`${name} *`, flagsOf(declaration, undefined))] : [];
      return [...values, ...subs, ...last, caseOf(`${name} *`, [...Object.keys(subcommands), "--help"])];
    })
    .join("\n");
}

function flagsOf(declaration: CommandDeclaration, subcommand: string | undefined): string[] {
  return optionsOf(declaration, subcommand).map(
    ([name, { isNegative }]) => `--${isNegative === true ? "no-" : ""}${name}`,
  );
}

/** A star is a star only outside the quotes. */
function caseOf(pattern: string, words: readonly string[]): string {
  const quoted = pattern.split("*").map((part) => (part === "" ? "" : `"${part}"`));
  return `    ${quoted.join("*")}) found="${words.join(" ")}" ;;`;
}

/** `line` holds what was typed before the word that is completed, each word with a space behind it. */
function choiceOf(declarations: readonly CommandDeclaration[]): string {
  const names = [...declarations.map(({ name }) => name), "--help"].join(" ");
  return `  case "$line" in
${casesOf(declarations)}
    *) found="${names}" ;;
  esac`;
}

function bashOf(declarations: readonly CommandDeclaration[]): string {
  return `_millrace() {
  local found line="\${COMP_WORDS[*]:1:COMP_CWORD-1} "
${choiceOf(declarations)}
  COMPREPLY=($(compgen -W "$found" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _millrace millrace`;
}

function zshOf(declarations: readonly CommandDeclaration[]): string {
  return `_millrace() {
  local found line="\${(j: :)words[2,CURRENT-1]} "
${choiceOf(declarations)}
  compadd -- \${=found}
}
compdef _millrace millrace`;
}
