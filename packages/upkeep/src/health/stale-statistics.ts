import { type Postgres, statement } from "@millrace/db";

/**
 * Tables of which a fifth changed since the planner last looked, and that autovacuum has not come to; and partitioned
 * tables, which it never comes to, once a day.
 */
const listStale = statement<[], { table: string }>(
  "statistics.list_stale",
  `SELECT relid::regclass::text AS table
     FROM pg_stat_user_tables JOIN pg_class ON pg_class.oid = relid
    WHERE CASE relkind
            WHEN 'p' THEN greatest(last_analyze, '-infinity') < now() - interval '1 day'
            ELSE n_mod_since_analyze > 10000 AND n_mod_since_analyze > 0.2 * n_live_tup
          END
    ORDER BY n_mod_since_analyze DESC LIMIT 20`,
);

/** Has the planner look at them again: SHARE UPDATE EXCLUSIVE, which reads and writes go on under. Gives the tables. */
export async function refreshStatistics(
  db: Postgres,
  beforeEach: () => Promise<void> = async () => {},
): Promise<string[]> {
  const refreshed: string[] = [];
  for (const { table } of await db.rows(listStale, [])) {
    await beforeEach();
    // The name comes quoted from the catalogue; who holds a lock on it is left alone.
    await db.run(statement<[], never>("statistics.refresh", `ANALYZE (SKIP_LOCKED) ${table}`), []);
    refreshed.push(table);
  }
  return refreshed;
}
