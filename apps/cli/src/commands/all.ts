import { alertsCommand } from "../alerts/declaration.ts";
import { backupCommand } from "../backup/declaration.ts";
import { completionCommand } from "../completion/declaration.ts";
import { deadLettersCommand } from "../dead-letters/declaration.ts";
import { demoCommand } from "../demo/declaration.ts";
import { doctorCommand } from "../doctor/declaration.ts";
import { jobsCommand } from "../jobs/declaration.ts";
import { keysCommand } from "../keys/declaration.ts";
import { migrateCommand } from "../migrate/declaration.ts";
import { partitionsCommand } from "../partitions/declaration.ts";
import { startCommand } from "../start/declaration.ts";
import type { CommandDeclaration } from "./declaration.ts";

interface Command {
  readonly declaration: CommandDeclaration;
  /** Runs it. Each is loaded only when it is asked for, so that all of them start fast. */
  readonly run: (args: string[]) => Promise<number>;
}

/** Every command, in the order in which they are listed. */
export const commands: readonly Command[] = [
  { declaration: startCommand, run: async (args) => (await import("../start/index.ts")).runStart(args) },
  { declaration: doctorCommand, run: async (args) => (await import("../doctor/run-doctor.ts")).runDoctor(args) },
  { declaration: migrateCommand, run: async (args) => (await import("../migrate/run-migrate.ts")).runMigrate(args) },
  { declaration: keysCommand, run: async (args) => (await import("../keys/index.ts")).runKeys(args) },
  { declaration: alertsCommand, run: async (args) => (await import("../alerts/run-alerts.ts")).runAlerts(args) },
  { declaration: jobsCommand, run: async (args) => (await import("../jobs/run-jobs.ts")).runJobs(args) },
  {
    declaration: partitionsCommand,
    run: async (args) => (await import("../partitions/run-partitions.ts")).runPartitions(args),
  },
  { declaration: backupCommand, run: async (args) => (await import("../backup/run-backup.ts")).runBackup(args) },
  {
    declaration: deadLettersCommand,
    run: async (args) => (await import("../dead-letters/run-dead-letters.ts")).runDeadLetters(args),
  },
  { declaration: demoCommand, run: async (args) => (await import("../demo/index.ts")).runDemo(args) },
  {
    declaration: completionCommand,
    run: async (args) =>
      (await import("../completion/run-completion.ts")).runCompletion(
        args,
        commands.map(({ declaration }) => declaration),
      ),
  },
];

/** What there is, a line each. */
export function overview(): string {
  const width = Math.max(...commands.map(({ declaration }) => declaration.name.length));
  const lines = commands.map(({ declaration: { name, summary } }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: millrace COMMAND [OPTIONS]\n\n${lines.join("\n")}\n\nmillrace COMMAND --help tells more.`;
}
