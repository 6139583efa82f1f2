import { setTimeout as sleep } from "node:timers/promises";
import { type Db, identifier, type Postgres, sqlState, sqlStateOf, statement } from "@millrace/db";
import { backoffMs } from "@millrace/runtime";

export interface DdlOptions {
  /** A lock is waited for only so long at a time, since whoever comes after a waiting lock waits too. Default: 500 ms. */
  readonly lockTimeoutMs?: number;
  /** All of it may take so long. Default: an hour. */
  readonly budgetMs?: number;
  readonly tries?: number;
  readonly signal?: AbortSignal | undefined;
}

const ddl = (text: string) => statement<[], never>("indexes.change", text);
const isPassing = (error: unknown): boolean =>
  [sqlState.lockNotAvailable, sqlState.deadlockDetected].some((code) => code === sqlStateOf(error));

/**
 * Runs a statement that changes indexes without keeping readers or writers waiting. An index that is built for a
 * partitioned table, which PostgreSQL cannot do concurrently, is built for each partition and then attached. What a
 * run before this one left half-built is done away with first.
 */
export async function runIndexDdl(db: Postgres, text: string, options: DdlOptions = {}): Promise<void> {
  const { budgetMs = 3_600_000 } = options;
  const until = performance.now() + budgetMs;
  await db.withConnection(async (connection) => {
    const change = (sql: string) => withLockRetries(connection, sql, { ...options, until });
    try {
      const creation = creationPattern.exec(text)?.groups;
      if (creation === undefined) return await change(text);
      const { unique = "", index = "", schema = "", table = "", rest = "" } = creation;
      await create(connection, change, { unique, index, schema, table: `${schema}${table}`, rest });
    } finally {
      for (const name of ["lock_timeout", "statement_timeout"]) {
        await connection.run(ddl(`RESET ${name}`), []).catch(() => {}); // the connection is lost
      }
    }
  });
}

const name = String.raw`(?:"(?:[^"]|"")+"|\w+)`;
const creationPattern = new RegExp(
  `^CREATE (?<unique>UNIQUE )?INDEX (?:CONCURRENTLY )?(?<index>${name}) ON (?:ONLY )?(?<schema>${name}\\.)?(?<table>${name}) (?<rest>.*)$`,
  "s",
);

interface Creation {
  /** `UNIQUE ` or nothing. */
  readonly unique: string;
  readonly index: string;
  /** With its point, or nothing. */
  readonly schema: string;
  /** With its schema. */
  readonly table: string;
  /** From the method or the columns on. */
  readonly rest: string;
}

interface LeafRow {
  readonly leaf: string;
  readonly name: string;
}

const readLeaves = statement<[table: string], LeafRow>(
  "indexes.list_leaves",
  `SELECT relid::regclass::text AS leaf, relname AS name
     FROM pg_partition_tree($1::regclass) JOIN pg_class ON oid = relid
    WHERE isleaf AND relid <> $1::regclass ORDER BY 1`,
);

const readState = statement<[index: string], { valid: boolean; attached: boolean }>(
  "indexes.read_state",
  `SELECT indisvalid AND indisready AS valid, EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid) AS attached
     FROM pg_index WHERE indexrelid = to_regclass($1)`,
);

async function create(
  db: Db,
  change: (sql: string) => Promise<void>,
  { unique, index, schema, table, rest }: Creation,
): Promise<void> {
  const ensure = async (name: string, sql: string): Promise<void> => {
    const [state] = await db.rows(readState, [`${schema}${name}`]);
    if (state?.valid === true) return;
    if (state !== undefined) await change(`DROP INDEX CONCURRENTLY ${schema}${name}`);
    await change(sql);
  };
  const leaves = await db.rows(readLeaves, [table]);
  if (leaves.length === 0)
    return await ensure(index, `CREATE ${unique}INDEX CONCURRENTLY ${index} ON ${table} ${rest}`);

  const [parent] = await db.rows(readState, [`${schema}${index}`]);
  if (parent === undefined) await change(`CREATE ${unique}INDEX ${index} ON ONLY ${table} ${rest}`);
  const suffix = index.replaceAll('"', "").replace(/^.*?_/, "");
  for (const { leaf, name } of leaves) {
    const own = identifier(`${name.slice(0, 62 - suffix.length)}_${suffix}`.slice(0, 63));
    await ensure(own, `CREATE ${unique}INDEX CONCURRENTLY ${own} ON ${leaf} ${rest}`);
    const [state] = await db.rows(readState, [`${schema}${own}`]);
    if (state?.attached === false) await change(`ALTER INDEX ${schema}${index} ATTACH PARTITION ${schema}${own}`);
  }
}

async function withLockRetries(
  db: Db,
  sql: string,
  { lockTimeoutMs = 500, tries = 10, signal, until }: DdlOptions & { readonly until: number },
): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    signal?.throwIfAborted();
    const restMs = Math.max(1, Math.ceil(until - performance.now()));
    // Building waits for old transactions with locks of its own, which take as long as those do.
    const lockMs = /CONCURRENTLY/.test(sql) ? restMs : lockTimeoutMs;
    await db.run(ddl(`SET lock_timeout = ${Math.ceil(lockMs)}`), []);
    await db.run(ddl(`SET statement_timeout = ${restMs}`), []);
    try {
      await db.run(ddl(sql), []);
      return;
    } catch (error) {
      if (!isPassing(error) || attempt + 1 >= tries || performance.now() >= until) throw error;
      await sleep(backoffMs({ baseMs: 50, maxMs: 2_000 }, attempt), undefined, signal && { signal });
    }
  }
}
