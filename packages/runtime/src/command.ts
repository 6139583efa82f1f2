import type { z } from "zod";
import { ConfigError, describeEnvironment } from "./config.ts";

export interface AppDescription<Config> {
  /** How it is started, such as `npm run api`. */
  readonly usage: string;
  readonly summary: string;
  /** The variables it reads, described for `--help`. */
  readonly variables: z.ZodRawShape;
  readonly load: (env: Readonly<Record<string, string | undefined>>) => Config;
}

/**
 * The configuration of a long-running app, or the end of the process: `--help` prints what the app is
 * and which variables it reads and exits with 0, a bad environment or an unknown argument with 2.
 */
export function configure<Config>(
  { usage, summary, variables, load }: AppDescription<Config>,
  { env, argv }: { env: Readonly<Record<string, string | undefined>>; argv: readonly string[] },
): Config {
  if (argv.includes("--help") || argv.includes("-h")) {
    process.stdout.write(`${usage}\n\n${summary}\n\nEnvironment:\n${describeEnvironment(variables)}\n`);
    process.exit(0);
  }
  if (argv.length > 0) {
    process.stderr.write(`${usage} takes no arguments but --help; it is configured by its environment.\n`);
    process.exit(2);
  }
  try {
    return load(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n${usage} -- --help lists all variables.\n`);
    process.exit(2);
  }
}
