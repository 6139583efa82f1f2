import type { Db } from "../db.ts";
import { statement } from "../statement.ts";
import type { Migration } from "./migration-files.ts";

/**
 * `running` and `reverting` are seen only of migrations outside a transaction: of one under way, or
 * of one that stopped half-way and waits to be resumed.
 */
export type LedgerState = "running" | "applied" | "reverting";

export interface LedgerEntry {
  readonly version: number;
  readonly name: string;
  readonly upChecksum: string;
  readonly downChecksum: string;
  readonly state: LedgerState;
  /** Checksums of the statements that are done, in order, of the direction that `state` tells. */
  readonly stepsDone: readonly string[];
  /** The statement that was begun and of which nobody has heard since. */
  readonly stepBegun: string | null;
  readonly attempts: number;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly durationMs: number | null;
}

/** Tables named here are not part of what migrations make. */
export const ledgerTable = "schema_migrations";

const createTable = statement(
  "migrations.create_ledger",
  `CREATE TABLE IF NOT EXISTS public.schema_migrations (
     version integer PRIMARY KEY,
     name text NOT NULL,
     up_checksum text NOT NULL,
     down_checksum text NOT NULL,
     state text NOT NULL CHECK (state IN ('running', 'applied', 'reverting')),
     steps_done text[] NOT NULL DEFAULT '{}',
     step_begun text,
     attempts integer NOT NULL,
     started_at timestamptz NOT NULL,
     finished_at timestamptz,
     duration_ms bigint GENERATED ALWAYS AS ((extract(epoch FROM finished_at - started_at) * 1000)::bigint) STORED
   )`,
);

const findTable = statement<[], { exists: boolean }>(
  "migrations.find_ledger",
  "SELECT to_regclass('public.schema_migrations') IS NOT NULL AS exists",
);

const list = statement<[], LedgerEntry>(
  "migrations.list",
  `SELECT version, name, up_checksum AS "upChecksum", down_checksum AS "downChecksum", state,
          steps_done AS "stepsDone", step_begun AS "stepBegun", attempts,
          started_at AS "startedAt", finished_at AS "finishedAt", duration_ms::float8 AS "durationMs"
     FROM public.schema_migrations ORDER BY version`,
);

const insertApplied = statement<[version: number, name: string, up: string, down: string, attempts: number]>(
  "migrations.insert_applied",
  `INSERT INTO public.schema_migrations
     (version, name, up_checksum, down_checksum, state, attempts, started_at, finished_at)
   VALUES ($1, $2, $3, $4, 'applied', $5, now(), clock_timestamp())`,
);

/** Begins or, after a crash, takes up again: what is done and what was begun stays as it is. */
const upsertRunning = statement<[version: number, name: string, up: string, down: string]>(
  "migrations.upsert_running",
  `INSERT INTO public.schema_migrations (version, name, up_checksum, down_checksum, state, attempts, started_at)
   VALUES ($1, $2, $3, $4, 'running', 0, now())
   ON CONFLICT (version) DO UPDATE SET up_checksum = excluded.up_checksum, down_checksum = excluded.down_checksum`,
);

const updateReverting = statement<[version: number]>(
  "migrations.update_reverting",
  `UPDATE public.schema_migrations
      SET state = 'reverting', steps_done = '{}', step_begun = NULL, attempts = 0, started_at = now(), finished_at = NULL
    WHERE version = $1 AND state = 'applied'`,
);

const updateStepBegun = statement<[version: number, text: string]>(
  "migrations.update_step_begun",
  "UPDATE public.schema_migrations SET step_begun = $2, attempts = attempts + 1 WHERE version = $1",
);

const updateStepDone = statement<[version: number, checksum: string]>(
  "migrations.update_step_done",
  "UPDATE public.schema_migrations SET steps_done = steps_done || $2::text, step_begun = NULL WHERE version = $1",
);

const updateApplied = statement<[version: number]>(
  "migrations.update_applied",
  "UPDATE public.schema_migrations SET state = 'applied', finished_at = clock_timestamp() WHERE version = $1",
);

const deleteEntry = statement<[version: number]>(
  "migrations.delete",
  "DELETE FROM public.schema_migrations WHERE version = $1",
);

/** Makes the ledger if it is missing. Only under the runner's lock: two at once would collide. */
export async function createLedger(db: Db): Promise<void> {
  await db.run(createTable, []);
}

/** What the ledger holds by version; nothing when it was never made. */
export async function readLedger(db: Db): Promise<LedgerEntry[]> {
  const [found] = await db.rows(findTable, []);
  return found?.exists ? await db.rows(list, []) : [];
}

export async function recordApplied(db: Db, migration: Migration, attempts: number): Promise<void> {
  const { version, name, up, down } = migration;
  await db.run(insertApplied, [version, name, up.checksum, down.checksum, attempts]);
}

export async function recordRunning(db: Db, { version, name, up, down }: Migration): Promise<void> {
  await db.run(upsertRunning, [version, name, up.checksum, down.checksum]);
}

export async function recordReverting(db: Db, { version }: Migration): Promise<void> {
  await db.run(updateReverting, [version]);
}

export async function recordStepBegun(db: Db, { version }: Migration, text: string): Promise<void> {
  await db.run(updateStepBegun, [version, text]);
}

export async function recordStepDone(db: Db, { version }: Migration, checksum: string): Promise<void> {
  await db.run(updateStepDone, [version, checksum]);
}

export async function recordStepsApplied(db: Db, { version }: Migration): Promise<void> {
  await db.run(updateApplied, [version]);
}

export async function recordReverted(db: Db, { version }: Migration): Promise<void> {
  await db.run(deleteEntry, [version]);
}
