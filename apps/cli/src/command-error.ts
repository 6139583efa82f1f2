import type { interruptedCode } from "./interruption.ts";

/** What the user did not say, or what could not be done; the message says what to do. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: 1 | 2 | typeof interruptedCode) {
    super(message);
    this.name = "CommandError";
    this.exitCode = exitCode;
  }
}

/** Runs a command; says what was wrong instead of throwing a `CommandError`. Gives the exit code. */
export async function explained(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
}

/** Writes a text and gives the exit code. */
export function say(text: string, exitCode: number): number {
  process.stdout.write(`${text.replace(/\n$/, "")}\n`);
  return exitCode;
}
