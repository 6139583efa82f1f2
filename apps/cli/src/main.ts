import process from "node:process";
import { ServerError } from "@millrace/embedded";
import { ConfigError, suggestionFor, UnreachableError } from "@millrace/runtime";
import { say } from "./command-error.ts";
import { commands, overview } from "./commands/all.ts";

async function run(name: string | undefined, args: string[]): Promise<number> {
  const found = commands.find(({ declaration }) => declaration.name === name);
  if (found !== undefined) return await found.run(args);
  if (name === undefined || name === "--help" || name === "-h" || name === "help") return say(overview(), 0);
  const names = commands.map(({ declaration }) => declaration.name);
  process.stderr.write(`There is no command "${name}".${suggestionFor(name, names)}\n\n${overview()}\n`);
  return 2;
}

// Whoever reads may have seen enough (`… | head`); the work is finished all the same.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
try {
  const [name, ...args] = process.argv.slice(2);
  process.exitCode = await run(name, args);
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof ServerError || error instanceof UnreachableError)) throw error;
  const advice = error instanceof UnreachableError ? ".\nIs it running (npm start), and is its URL right?" : "";
  process.stderr.write(`${error.message}${advice}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
