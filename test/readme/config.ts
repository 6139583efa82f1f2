/** The commands of the README are run in the environment of whoever tries them. */
export function loadReadmeConfig(env: Readonly<Record<string, string | undefined>>): {
  readonly inherited: Readonly<Record<string, string | undefined>>;
} {
  return { inherited: env };
}
