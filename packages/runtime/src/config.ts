import { z } from "zod";

/** The environment did not make a valid configuration. The message lists everything that is wrong. */
export class ConfigError extends Error {
  readonly code = "CONFIG_INVALID";
  /** A line each. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((line) => `  ${line}`).join("\n")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/**
 * Reads variables from `env` by a schema of one key a variable. An empty variable counts as absent.
 * Throws a `ConfigError` that names every variable that is wrong; values are never part of it, since
 * they may be secrets.
 */
export function readEnvironment<Shape extends z.ZodRawShape>(
  env: Readonly<Record<string, string | undefined>>,
  shape: Shape,
): z.output<z.ZodObject<Shape>> {
  const present = Object.fromEntries(
    Object.keys(shape).flatMap((name) => (env[name] ? [[name, env[name]] as const] : [])),
  );
  const result = z.object(shape).safeParse(present);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map((issue) => {
      const name = issue.path.join(".");
      return name in present ? `${name}: ${issue.message}` : `${name} is not set: ${issue.message}`;
    }),
  );
}

/** One line for each variable of a shape: its name, its default, what it is for. */
export function describeEnvironment(shape: z.ZodRawShape): string {
  const width = Math.max(...Object.keys(shape).map((name) => name.length));
  return Object.entries(shape)
    .map(([name, field]) => {
      const schema = field as z.ZodType; // a raw shape of this library's own making
      const fallback = schema.safeParse(undefined);
      const note = !fallback.success
        ? " (required)"
        : fallback.data === undefined
          ? ""
          : ` (default ${String(fallback.data)})`;
      return `  ${name.padEnd(width)}  ${schema.description ?? ""}${note}`;
    })
    .join("\n");
}

/** A whole number between the bounds, written in decimal. */
export function integer({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}) {
  return z
    .string()
    .regex(/^\d{1,15}$/, "write a whole number")
    .transform(Number)
    .pipe(z.number().min(min).max(max));
}

/** A number of bytes, written plainly or with a unit of 1024: `262144`, `256KiB`, `256KB`, `4MB`. */
export function bytes({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}) {
  return z
    .string()
    .regex(/^\d{1,12}\s*(B|Ki?B|Mi?B|Gi?B)?$/i, "write a number of bytes such as 262144, 256KB or 4MB")
    .transform((text) => {
      const unit = /[KMG]/i.exec(text)?.[0].toUpperCase();
      const power = unit === undefined ? 0 : "KMG".indexOf(unit) + 1;
      return Number.parseInt(text, 10) * 1024 ** power;
    })
    .pipe(z.number().min(min).max(max));
}

/** A PostgreSQL connection string. */
export const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, "write a connection string such as postgres://user:password@host:5432/database");

export const logLevel = z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]);

/** True for the addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
