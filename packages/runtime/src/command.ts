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
 * and which variables it reads and exits with 0, a bad environment or an unknown argument with 2. `--check` prints, as
 * JSON, which variables are set and what is wrong, and exits with 0 or 2.
 */
export function configure<Config>(
  { usage, summary, variables, load }: AppDescription<Config>,
  { env, argv }: { env: Readonly<Record<string, string | undefined>>; argv: readonly string[] },
): Config {
  if (argv.includes("--help") || argv.includes("-h")) {
    process.stdout.write(`${usage}\n\n${summary}\n\nEnvironment:\n${describeEnvironment(variables)}\n`);
    process.exit(0);
  }
  const isCheck = argv.length === 1 && argv[0] === "--check";
  if (argv.length > 0 && !isCheck) {
    process.stderr.write(`${usage} takes no arguments but --help and --check; it is configured by its environment.\n`);
    process.exit(2);
  }
  try {
    const config = load(env);
    if (!isCheck) return config;
    sayChecked(variables, env, []);
    process.exit(0);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (isCheck) {
      sayChecked(variables, env, error.problems);
      process.exit(2);
    }
    process.stderr.write(`${error.message}\n${usage} -- --help lists all variables.\n`);
    process.exit(2);
  }
}

/** Which variables are set, never to what: they may be secrets. */
function sayChecked(
  variables: z.ZodRawShape,
  env: Readonly<Record<string, string | undefined>>,
  problems: readonly string[],
): void {
  const names = Object.keys(variables).filter((name) => name !== "PATH");
  const set = names.filter((name) => env[name]);
  process.stdout.write(`${JSON.stringify({ set, unset: names.filter((name) => !set.includes(name)), problems })}\n`);
}
