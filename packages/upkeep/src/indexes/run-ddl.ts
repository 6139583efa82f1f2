import { setTimeout as sleep } from "node:timers/promises";
import { type Db, identifier, type Postgres, sqlState, sqlStateOf, statement } from "@millrace/db";
import { backoffMs } from "@millrace/runtime";
import { creationOf, type IndexText, parseCreation, readPartitionTree, schemaOf } from "./index-ddl.ts";

export interface DdlOptions {
  /** A lock is waited for only so long at a time, since whoever comes after a waiting lock waits too. Default: 500 ms. */
  readonly lockTimeoutMs?: number;
  /** All of it may take so long. Default: an hour. */
  readonly budgetMs?: number;
  readonly tries?: number;
  readonly signal?: AbortSignal | undefined;
}

/** It was not done within its time. */
class BudgetError extends Error {}

const ddl = (text: string) => statement<[], never>("indexes.change", text);
const isPassing = (error: unknown): boolean =>
  [sqlState.lockNotAvailable, sqlState.deadlockDetected].some((code) => code === sqlStateOf(error));

interface IndexState {
  readonly valid: boolean;
  readonly table: string;
  readonly definition: string;
  readonly attached: boolean;
}

const readState = statement<[index: string], IndexState>(
  "indexes.read_state",
  `SELECT indisvalid AND indisready AS valid, indrelid::regclass::text AS table,
          pg_get_indexdef(indexrelid) AS definition,
          EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid) AS attached
     FROM pg_index WHERE indexrelid = to_regclass($1)`,
);

/** Parts that have theirs, under whatever name. */
const listAttached = statement<[index: string], { table: string }>(
  "indexes.list_attached",
  `SELECT indrelid::regclass::text AS table
     FROM pg_inherits JOIN pg_index ON indexrelid = inhrelid WHERE inhparent = to_regclass($1) AND indisvalid`,
);
const readName = statement<[table: string], { table: string }>(
  "indexes.read_name",
  "SELECT oid::regclass::text AS table FROM pg_class WHERE oid = to_regclass($1)",
);
const readBackend = statement<[], { pid: number }>("indexes.read_backend", "SELECT pg_backend_pid() AS pid");
const cancelBackend = statement<[pid: number], unknown>("indexes.cancel", "SELECT pg_cancel_backend($1)");

/**
 * Runs a statement that changes indexes without keeping readers or writers waiting. Run again it goes on where it was:
 * what is there or gone already is passed over, and what was left half-built is done away with first. The index of a
 * partitioned table is made with those of all parts there are now. Aborting cancels the statement under way.
 */
export async function runIndexDdl(db: Postgres, text: string, options: DdlOptions = {}): Promise<void> {
  const { budgetMs = 3_600_000, signal } = options;
  const until = performance.now() + budgetMs;
  await db.withConnection(async (connection) => {
    const [backend] = await connection.rows(readBackend, []);
    const cancel = (): void => void db.run(cancelBackend, [backend?.pid ?? 0]).catch(() => {}); // it ends by its time-out
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      for (const one of await stepsOf(connection, text)) await runStep(connection, one, { ...options, until });
    } catch (error) {
      signal?.throwIfAborted();
      if (performance.now() < until) throw error;
      throw new BudgetError(`It was not done within ${Math.ceil(budgetMs / 1_000)} s`, { cause: error });
    } finally {
      signal?.removeEventListener("abort", cancel);
      for (const name of ["lock_timeout", "statement_timeout"]) {
        await connection.run(ddl(`RESET ${name}`), []).catch(() => {}); // the connection is lost
      }
    }
  });
}

/** Of a creation those that are left to do; any other statement is one. */
async function stepsOf(db: Db, text: string): Promise<string[]> {
  const parsed = parseCreation(text);
  const [named] = parsed === undefined ? [] : await db.rows(readName, [parsed.table]);
  if (parsed === undefined || named === undefined) return [text];
  // As the catalogue writes it, with its schema only where that is needed.
  const creation = { ...parsed, table: named.table };
  const tree = await readPartitionTree(db);
  const attached = new Set((await db.rows(listAttached, [indexOf(creation)])).map(({ table }) => table));
  const left = (tree.get(creation.table) ?? []).filter(({ table }) => !attached.has(table));
  return creationOf(tree.has(creation.table) ? new Map([...tree, [creation.table, left]]) : tree, creation);
}

interface StepOptions extends DdlOptions {
  readonly until: number;
}

async function runStep(db: Db, text: string, options: StepOptions): Promise<void> {
  const { tries = 10, until, signal } = options;
  for (let attempt = 0; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await stepOf(db, text, (sql) => runOnce(db, sql, options));
    } catch (error) {
      if (!isPassing(error) || attempt + 1 >= tries || performance.now() >= until) {
        if (signal?.aborted !== true) await removeHalfBuilt(db, text);
        throw error;
      }
      await sleep(backoffMs({ baseMs: 50, maxMs: 2_000 }, attempt), undefined, signal && { signal });
    }
  }
}

/** Does what is left to do of it. */
async function stepOf(db: Db, text: string, run: (sql: string) => Promise<void>): Promise<void> {
  const { part } = attachPattern.exec(text)?.groups ?? {};
  if (part !== undefined && (await db.rows(readState, [part]))[0]?.attached === true) return;
  const { dropped } = dropPattern.exec(text)?.groups ?? {};
  if (dropped !== undefined && (await db.rows(readState, [dropped])).length === 0) return;
  const creation = parseCreation(text);
  if (creation !== undefined) {
    const index = indexOf(creation);
    const [state] = await db.rows(readState, [index]);
    if (state?.table === creation.table) {
      if (state.valid || creation.isOnly) {
        if (isAlike(creation, state.definition)) return;
        throw new Error(`${index} is there already and is another one: ${state.definition}`);
      }
      await run(`DROP INDEX CONCURRENTLY ${index}`);
    }
  }
  await run(text);
}

/** Whether a definition, as PostgreSQL writes it, is of the same columns and method. */
function isAlike({ isUnique, rest }: IndexText, definition: string): boolean {
  const plain = (text: string | undefined): string => (text ?? "").replace(/^USING btree /, "").replaceAll('"', "");
  const there = parseCreation(definition);
  return there?.isUnique === isUnique && plain(there.rest) === plain(rest);
}

const attachPattern = /^ALTER INDEX .+ ATTACH PARTITION (?<part>.+)$/s;
const dropPattern = /^DROP INDEX (?:CONCURRENTLY )?(?<dropped>.+)$/s;

const indexOf = ({ table, index }: { readonly table: string; readonly index: string }): string =>
  `${schemaOf(table)}${identifier(index)}`;

async function runOnce(db: Db, sql: string, { lockTimeoutMs = 500, until }: StepOptions): Promise<void> {
  const restMs = Math.max(1, Math.ceil(until - performance.now()));
  // Building waits for old transactions with locks of its own, which take as long as those do and keep nobody waiting.
  const lockMs = / CONCURRENTLY /.test(sql) ? restMs : lockTimeoutMs;
  await db.run(ddl(`SET lock_timeout = ${Math.ceil(lockMs)}`), []);
  await db.run(ddl(`SET statement_timeout = ${restMs}`), []);
  await db.run(ddl(sql), []);
}

/** What was not built to its end is of no use to anybody, and each write would keep it up to date. Waits for nobody. */
async function removeHalfBuilt(db: Db, text: string): Promise<void> {
  const creation = parseCreation(text);
  if (creation === undefined || creation.isOnly) return;
  const index = indexOf(creation);
  try {
    const [state] = await db.rows(readState, [index]);
    if (state?.table !== creation.table || state.valid) return;
    await runOnce(db, `DROP INDEX CONCURRENTLY ${index}`, { until: performance.now() + 3_000 });
  } catch {
    // It is found as invalid, and done away with by the next try.
  }
}
