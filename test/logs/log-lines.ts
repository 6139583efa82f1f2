/** The lines of a process's log; whatever else it wrote makes this throw. */
export function linesOf(output: string): Readonly<Record<string, unknown>>[] {
  return output
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>); // pino writes objects
}
