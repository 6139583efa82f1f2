import { explained, say } from "../command-error.ts";
import type { CommandDeclaration } from "./declaration.ts";
import { type CommandLine, isHelp, readCommandLine } from "./read-command-line.ts";

/** Reads the command line of a command and runs it, or shows its help. Gives the exit code. */
export async function runDeclared<const Declaration extends CommandDeclaration>(
  declaration: Declaration,
  args: readonly string[],
  run: (line: CommandLine<Declaration>) => Promise<number>,
): Promise<number> {
  return await explained(async () => {
    const read = readCommandLine(declaration, args);
    return isHelp(read) ? say(read.help, read.exitCode) : await run(read);
  });
}
