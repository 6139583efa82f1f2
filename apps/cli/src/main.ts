import process from "node:process";
import { ServerError } from "@millrace/embedded";
import { ConfigError, UnreachableError } from "@millrace/runtime";

const help = `Usage: millrace COMMAND [OPTIONS]

  start         PostgreSQL, Redis, the API and a worker on this machine
  migrate       up, down, status, verify or new
  keys          create, list or revoke API keys
  jobs          list what runs by the clock, or run it now
  partitions    list, plan, apply, detach, drop or restore
  backup        create, list, verify, restore, drill; wal
  dead-letters  list, redrive, edit or purge what PostgreSQL refused
  demo          send this machine's telemetry, or log files

millrace COMMAND --help tells more.
`;

/** Each command is loaded only when it is asked for, so that all of them start fast. */
async function run(command: string | undefined, args: string[]): Promise<number> {
  switch (command) {
    case "start":
      return await (await import("./start/index.ts")).runStart(args);
    case "migrate":
      return await (await import("./migrate/run-migrate.ts")).runMigrate(args);
    case "keys":
      return await (await import("./keys/index.ts")).runKeys(args);
    case "jobs":
      return await (await import("./jobs/run-jobs.ts")).runJobs(args);
    case "partitions":
      return await (await import("./partitions/run-partitions.ts")).runPartitions(args);
    case "backup":
      return await (await import("./backup/run-backup.ts")).runBackup(args);
    case "dead-letters":
      return await (await import("./dead-letters/run-dead-letters.ts")).runDeadLetters(args);
    case "demo":
      return await (await import("./demo/index.ts")).runDemo(args);
    case undefined:
    case "--help":
    case "-h":
      process.stdout.write(help);
      return 0;
    default:
      process.stderr.write(`There is no command "${command}".\n\n${help}`);
      return 2;
  }
}

// Whoever reads may have seen enough (`… | head`); the work is finished all the same.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
try {
  const [command, ...args] = process.argv.slice(2);
  process.exitCode = await run(command, args);
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof ServerError || error instanceof UnreachableError)) throw error;
  const advice = error instanceof UnreachableError ? ".\nIs it running (npm start), and is its URL right?" : "";
  process.stderr.write(`${error.message}${advice}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
