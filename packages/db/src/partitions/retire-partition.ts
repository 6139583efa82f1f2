import type { Postgres } from "../connect.ts";
import { identifier } from "../identifier.ts";
import { statement } from "../statement.ts";
import { exportPartition } from "./export-partition.ts";
import { listPartitions } from "./partition-list.ts";
import { byHand, type RetentionStep } from "./retention-plan.ts";
import { withLockRetries } from "./with-lock-retries.ts";

export interface RetireOptions {
  readonly table: string;
  readonly exportDir: string | undefined;
  readonly lockTimeoutMs?: number;
  /** For so long a detachment waits for those who read the partition. Default: 60 s. */
  readonly waitForReadersMs?: number;
  /** How often a step is tried whose lock is not to be had. */
  readonly tries?: number;
  readonly signal?: AbortSignal | undefined;
}

const begin = statement<[parent: string, partition: string, reason: string], never>(
  "partitions.begin_detaching",
  `INSERT INTO partition_states (parent, partition, detaching_since, detach_reason) VALUES ($1, $2, now(), $3)
       ON CONFLICT (parent, partition) DO UPDATE
          SET detaching_since = now(), detach_reason = $3, detached_at = NULL, dropped_at = NULL,
              exported_at = NULL, export_file = NULL, export_sha256 = NULL, exported_rows = NULL`,
);

const noteDetached = statement<[parent: string, partition: string], never>(
  "partitions.note_detached",
  `INSERT INTO partition_states (parent, partition, detached_at, detach_reason) VALUES ($1, $2, now(), '${byHand}')
       ON CONFLICT (parent, partition) DO UPDATE SET detached_at = now()`,
);

const noteExported = statement<[parent: string, partition: string, file: string, sha256: string, rows: number], never>(
  "partitions.note_exported",
  `UPDATE partition_states SET exported_at = now(), export_file = $3, export_sha256 = $4, exported_rows = $5
    WHERE parent = $1 AND partition = $2`,
);

const noteDropped = statement<[parent: string, partition: string], never>(
  "partitions.note_dropped",
  "UPDATE partition_states SET dropped_at = now() WHERE parent = $1 AND partition = $2",
);

const command = (name: string, text: string) => statement<[], never>(`partitions.${name}`, text);

/**
 * Does one step. Each can be killed at any point and done again: what was begun is in `partition_states` before it
 * is in the catalogue. Rejects with SQLSTATE 55P03 when a lock was not to be had in all tries, and with 57014 when
 * readers of the partition did not end in time; the step is then due again.
 */
export async function retirePartition(db: Postgres, step: RetentionStep, options: RetireOptions): Promise<void> {
  const { table, exportDir } = options;
  const { partition } = step;
  switch (step.action) {
    case "detach":
      await db.run(begin, [table, partition, step.reason]);
      await detach(db, partition, options, "CONCURRENTLY");
      break;
    case "finish_detaching":
      await detach(db, partition, options, "FINALIZE");
      break;
    case "export": {
      if (exportDir === undefined) throw new Error("There is no folder to export to");
      const { file, sha256, rows } = await exportPartition(db, { ...options, partition, directory: exportDir });
      await db.run(noteExported, [table, partition, file, sha256, rows]);
      break;
    }
    case "drop":
      await dropDetached(db, partition, options);
      break;
  }
}

async function detach(
  db: Postgres,
  partition: string,
  options: RetireOptions,
  how: "CONCURRENTLY" | "FINALIZE",
): Promise<void> {
  const { table } = options;
  const text = `ALTER TABLE ${identifier(table)} DETACH PARTITION ${identifier(partition)} ${how}`;
  try {
    await withLockRetries(db, patienceOf(options), (connection) => connection.run(command("detach", text), []));
  } catch (error) {
    // Another process may have finished it, or a try that was cut short left it half-way.
    const now = (await listPartitions(db, table)).find(({ name }) => name === partition);
    if (now?.state === "detaching" && how === "CONCURRENTLY") return await detach(db, partition, options, "FINALIZE");
    if (now?.state !== "detached") throw error;
  }
  await db.run(noteDetached, [table, partition]);
}

async function dropDetached(db: Postgres, partition: string, options: RetireOptions): Promise<void> {
  const found = (await listPartitions(db, options.table)).find(({ name }) => name === partition);
  if (found !== undefined && found.state !== "detached") throw new Error(`${partition} is not detached`);
  await withLockRetries(db, patienceOf(options), (connection) =>
    connection.run(command("drop", `DROP TABLE IF EXISTS ${identifier(partition)}`), []),
  );
  await db.run(noteDropped, [options.table, partition]);
}

function patienceOf({ waitForReadersMs = 60_000, ...patience }: RetireOptions) {
  return { ...patience, statementTimeoutMs: waitForReadersMs };
}
