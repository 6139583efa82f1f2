import {
  byHand,
  connectPostgres,
  ExportDamagedError,
  listPartitions,
  monthOf,
  type Partition,
  PartitionPresentError,
  type Postgres,
  planRetention,
  type RetentionPolicy,
  type RetentionStep,
  restorePartition,
  retentionNow,
  retirePartition,
  sqlState,
  sqlStateOf,
} from "@millrace/db";
import { CommandError, say } from "../command-error.ts";
import { runDeclared } from "../commands/run-declared.ts";
import { loadRetentionConfig } from "../config.ts";
import { listenForInterruption } from "../interruption.ts";
import { bytesText, minuteOf, tableOf } from "../table.ts";
import { partitionsCommand } from "./declaration.ts";

const table = "telemetry_events";
const patienceMs = 24 * 3_600_000;

/** `partitions list|plan|apply|detach|drop|restore`, on the database. Gives the exit code. */
export async function runPartitions(args: string[]): Promise<number> {
  return await runDeclared(partitionsCommand, args, async ({ subcommand, values, positionals: [what, ...others] }) => {
    const takesName = "arguments" in partitionsCommand.subcommands[subcommand];
    if (takesName && (what === undefined || others.length > 0)) {
      throw new CommandError(`Name one ${subcommand === "restore" ? "file" : "month, as YYYY-MM"}`, 2);
    }
    const { url, retention } = await loadRetentionConfig(process.env);
    await using db = await connectPostgres({
      url,
      applicationName: "millrace-partitions",
      maxConnections: 3,
      minConnections: 0,
      queryTimeoutMs: patienceMs,
      statementTimeoutMs: patienceMs,
    });
    const { json } = values;
    switch (subcommand) {
      case "list":
        return await list(db, json);
      case "plan":
        return tell(await planned(db, retention), json);
      case "apply":
        return await apply(db, await planned(db, retention), retention.exportDir, json);
      case "restore":
        return await restore(db, what ?? "", json);
      default:
        return await retire(db, subcommand, what ?? "", values);
    }
  });
}

async function list(db: Postgres, isJson: boolean): Promise<number> {
  const partitions = await listPartitions(db, table);
  if (isJson) return say(JSON.stringify(partitions, undefined, 2), 0);
  const rows = partitions.map(({ month, state, bytes, rows, settledAt, detachedAt, exportFile }) => [
    month,
    state,
    bytes === undefined ? "locked" : bytesText(bytes),
    String(Math.round(rows)),
    minuteOf(settledAt),
    minuteOf(detachedAt),
    exportFile ?? "-",
  ]);
  return say(tableOf(["month", "state", "size", "rows (about)", "frozen", "detached", "export"], rows), 0);
}

async function planned(db: Postgres, retention: RetentionPolicy): Promise<RetentionStep[]> {
  return planRetention(await listPartitions(db, table), retention, await retentionNow(db));
}

function tell(steps: readonly RetentionStep[], isJson: boolean): number {
  if (isJson) return say(JSON.stringify(steps, undefined, 2), 0);
  if (steps.length === 0) return say("There is nothing to do.", 0);
  const rows = steps.map(({ action, month, bytes, reason, locks }) => [action, month, bytesText(bytes), reason, locks]);
  return say(tableOf(["action", "month", "size", "why", "lock"], rows), 0);
}

async function apply(
  db: Postgres,
  steps: readonly RetentionStep[],
  exportDir: string | undefined,
  isJson: boolean,
): Promise<number> {
  using interruption = listenForInterruption();
  for (const step of steps) {
    if (interruption.signal.aborted) throw new CommandError("Interrupted; what is left is in: partitions plan", 1);
    process.stderr.write(`${step.action} ${step.month} …\n`);
    await doStep(db, step, exportDir, interruption.signal);
  }
  return isJson ? say(JSON.stringify(steps), 0) : say(`Steps done: ${steps.length}`, 0);
}

async function retire(
  db: Postgres,
  action: "detach" | "drop",
  text: string,
  {
    export: exportDir,
    yes,
    json,
  }: { readonly export?: string | undefined; readonly yes: boolean; readonly json: boolean },
): Promise<number> {
  const month = monthOf(table, text);
  if (month === undefined) throw new CommandError(`"${text}" is no month: write YYYY-MM`, 2);
  const partition = (await listPartitions(db, table)).find((one) => one.month === month);
  if (partition === undefined) throw new CommandError(`There is no partition of ${month}`, 1);
  if (action === "detach" && partition.state === "detached") {
    throw new CommandError(`${month} has been taken out already`, 1);
  }
  const steps = action === "detach" ? [stepOf("detach", partition)] : dropSteps(partition, exportDir, yes);
  return await apply(db, steps, exportDir, json);
}

function dropSteps(partition: Partition, exportDir: string | undefined, isSure: boolean): RetentionStep[] {
  if (partition.state !== "detached") {
    throw new CommandError(`${partition.month} is in use; take it out first: partitions detach ${partition.month}`, 1);
  }
  if (exportDir !== undefined) return [stepOf("export", partition), stepOf("drop", partition)];
  if (partition.exportFile === undefined && !isSure) {
    throw new CommandError("Its rows are nowhere else: export them with --export DIR, or say --yes", 2);
  }
  return [stepOf("drop", partition)];
}

function stepOf(action: RetentionStep["action"], { name, month, bytes = 0 }: Partition): RetentionStep {
  return { action, partition: name, month, bytes, reason: byHand, locks: "" };
}

async function doStep(
  db: Postgres,
  step: RetentionStep,
  exportDir: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  try {
    await retirePartition(db, step, { table, exportDir, signal });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const why = sqlStateOf(error) === sqlState.lockNotAvailable ? "somebody else keeps it locked" : message;
    throw new CommandError(`${step.action} ${step.month}: ${why}. What is left is in: partitions plan`, 1);
  }
}

async function restore(db: Postgres, file: string, isJson: boolean): Promise<number> {
  try {
    const restored = await restorePartition(db, file, (rows) => process.stderr.write(`\r${rows} rows …`));
    process.stderr.write("\n");
    return say(isJson ? JSON.stringify(restored) : `Restored ${restored.month}: ${restored.rows} rows`, 0);
  } catch (error) {
    if (!(error instanceof ExportDamagedError || error instanceof PartitionPresentError)) throw error;
    throw new CommandError(error.message, 1);
  }
}
