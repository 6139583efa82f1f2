/** What the benches take from the environment. */
export function loadBenchConfig(env: Readonly<Record<string, string | undefined>>): {
  readonly searchPath: string;
  readonly inherited: Readonly<Record<string, string | undefined>>;
} {
  return { searchPath: env["PATH"] ?? "", inherited: env };
}
