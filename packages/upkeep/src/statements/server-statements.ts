import { type Db, sqlState, sqlStateOf, statement } from "@millrace/db";

/**
 * What pg_stat_statements counted since the last time, as the counts of this minute. It is never reset: a statement
 * one of whose counts went down, or that was reset by somebody (PostgreSQL 17 tells), counts from zero. When nobody
 * looked for longer than ten minutes this is only where counting begins anew.
 */
const collect = statement<[], never>(
  "server_statements.collect",
  `WITH found AS (
     SELECT userid, queryid, toplevel, sum(calls)::bigint AS calls, sum(rows)::bigint AS rows,
            sum(total_exec_time) AS total_ms, sum(shared_blks_hit)::bigint AS hit, sum(shared_blks_read)::bigint AS read,
            sum(temp_blks_read + temp_blks_written)::bigint AS temp, sum(wal_bytes) AS wal,
            max((to_jsonb(s) ->> 'stats_since')::timestamptz) AS since
       FROM pg_stat_statements(false) AS s
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND queryid IS NOT NULL
      GROUP BY userid, queryid, toplevel
   ), is_known AS (
     SELECT EXISTS (SELECT FROM server_statement_state WHERE seen_at > now() - interval '10 minutes') AS yes
   ), delta AS (
     SELECT found.queryid,
            found.calls - coalesce(old.calls, 0) AS calls, found.rows - coalesce(old.rows, 0) AS rows,
            found.total_ms - coalesce(old.total_ms, 0) AS total_ms, found.hit - coalesce(old.blocks_hit, 0) AS hit,
            found.read - coalesce(old.blocks_read, 0) AS read, found.temp - coalesce(old.blocks_temp, 0) AS temp,
            found.wal - coalesce(old.wal_bytes, 0) AS wal
       FROM found
       LEFT JOIN server_statement_state AS old
         ON old.user_id = found.userid AND old.query_id = found.queryid AND old.is_top_level = found.toplevel
        AND old.stats_since IS NOT DISTINCT FROM found.since
        AND old.calls <= found.calls AND old.rows <= found.rows AND old.total_ms <= found.total_ms
        AND old.blocks_hit <= found.hit AND old.blocks_read <= found.read AND old.blocks_temp <= found.temp
        AND old.wal_bytes <= found.wal
   ), gone AS (
     DELETE FROM server_statement_state AS old
      WHERE NOT EXISTS (SELECT FROM found WHERE found.userid = old.user_id AND found.queryid = old.query_id
                                            AND found.toplevel = old.is_top_level)
   ), kept AS (
     INSERT INTO server_statement_state AS old
     SELECT userid, queryid, toplevel, calls, rows, total_ms, hit, read, temp, wal, since, now() FROM found
         ON CONFLICT (user_id, query_id, is_top_level) DO UPDATE
            SET calls = EXCLUDED.calls, rows = EXCLUDED.rows, total_ms = EXCLUDED.total_ms,
                blocks_hit = EXCLUDED.blocks_hit, blocks_read = EXCLUDED.blocks_read,
                blocks_temp = EXCLUDED.blocks_temp, wal_bytes = EXCLUDED.wal_bytes,
                stats_since = EXCLUDED.stats_since, seen_at = EXCLUDED.seen_at
   )
   INSERT INTO server_statement_minutes AS known
   SELECT date_trunc('minute', now()), queryid, sum(calls), sum(rows), sum(total_ms), sum(hit), sum(read), sum(temp),
          sum(wal)
     FROM delta, is_known
    WHERE is_known.yes AND calls > 0
    GROUP BY queryid
       ON CONFLICT (minute, query_id) DO UPDATE
          SET calls = known.calls + EXCLUDED.calls, rows = known.rows + EXCLUDED.rows,
              total_ms = known.total_ms + EXCLUDED.total_ms, blocks_hit = known.blocks_hit + EXCLUDED.blocks_hit,
              blocks_read = known.blocks_read + EXCLUDED.blocks_read,
              blocks_temp = known.blocks_temp + EXCLUDED.blocks_temp, wal_bytes = known.wal_bytes + EXCLUDED.wal_bytes`,
);

/** Texts are in a file that can be large: it is read only when there are statements that have none yet. */
const listUnnamed = statement<[], { query_id: string }>(
  "server_statements.list_unnamed",
  `SELECT DISTINCT query_id FROM server_statement_minutes
    WHERE minute > now() - interval '5 minutes'
      AND query_id NOT IN (SELECT query_id FROM server_statements)`,
);

const nameThem = statement<[queryIds: readonly string[]], never>(
  "server_statements.name",
  `INSERT INTO server_statements (query_id, statement, text)
   SELECT DISTINCT ON (queryid) queryid, substring(query from '^\\w+ /\\* ([a-z0-9_.]+) \\*/'), left(query, 10000)
     FROM pg_stat_statements WHERE queryid = ANY ($1::bigint[])
       ON CONFLICT DO NOTHING`,
);

/** Once a day for each, so that upkeep can tell whose texts nobody asks for any more. */
const noteSeen = statement<[], never>(
  "server_statements.note_seen",
  `UPDATE server_statements SET seen_on = CURRENT_DATE
    WHERE seen_on < CURRENT_DATE
      AND query_id IN (SELECT query_id FROM server_statement_minutes WHERE minute = date_trunc('minute', now()))`,
);

const install = statement<[], never>("server_statements.install", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements");

/**
 * Gives whether the server counts statements. That takes the extension pg_stat_statements, which is installed where the
 * server has it loaded (`shared_preload_libraries`) and the role may.
 */
export async function collectServerStatements(db: Db): Promise<boolean> {
  if (await isDone(db, collectAll)) return true;
  const isInstalled = await isDone(db, async (tx) => {
    await tx.run(install, []);
  });
  return isInstalled && (await isDone(db, collectAll));
}

async function collectAll(db: Db): Promise<void> {
  await db.run(collect, []);
  const unnamed = await db.rows(listUnnamed, []);
  if (unnamed.length > 0) await db.run(nameThem, [unnamed.map(({ query_id }) => query_id)]);
  await db.run(noteSeen, []);
}

/** Not installed in this database, not known to the server, not loaded by it, or not for this role. */
const notAvailable: readonly unknown[] = [sqlState.undefinedFunction, "0A000", "58P01", "55000", "42501"];

async function isDone(db: Db, work: (tx: Db) => Promise<void>): Promise<boolean> {
  try {
    await db.transaction(work);
    return true;
  } catch (error) {
    if (notAvailable.includes(sqlStateOf(error))) return false;
    throw error;
  }
}
