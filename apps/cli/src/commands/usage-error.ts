import { CommandError } from "../command-error.ts";

/** The command line makes no sense. The message says what is wrong with it, and shows the help. */
export class UsageError extends CommandError {
  /** What is wrong, alone. */
  readonly text: string;

  constructor(text: string, help: string) {
    super(`${text}\n\n${help}`, 2);
    this.name = "UsageError";
    this.text = text;
  }
}
