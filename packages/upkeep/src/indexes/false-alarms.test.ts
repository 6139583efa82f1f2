import { connectPostgres, createMonthlyPartition, type Postgres, statement } from "@millrace/db";
import { createTestDatabase, type TestDatabase } from "@millrace/embedded/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findIndexProblems, type IndexProblemsOptions } from "./find-problems.ts";
import { noteIndexes } from "./index-facts.ts";
import { useOnReplicas } from "./replica-use.ts";

let database: TestDatabase;
let db: Postgres;
beforeEach(async () => {
  database = await createTestDatabase();
  ({ db } = database);
});
afterEach(() => database[Symbol.asyncDispose]());

const command = (text: string) => db.run(statement<[], never>("test.command", text), []);
/** All that is not of the product's own schema. */
async function findingsOf(options: IndexProblemsOptions = {}): Promise<string[]> {
  const all = { minUnusedMs: 0, minUnusedBytes: 1, minBloatBytes: 1_000_000, ...options };
  const found = await findIndexProblems(db, all);
  return found.filter(({ table }) => table.startsWith("zz")).map(({ id }) => id);
}

test("indexes that keep rows unique in different ways are not the same", async () => {
  await command("CREATE TABLE zz (a int, b int, UNIQUE (b) DEFERRABLE)");
  await command("CREATE UNIQUE INDEX zz_plain ON zz (a)");
  await command("CREATE UNIQUE INDEX zz_one_null ON zz (a) NULLS NOT DISTINCT");
  await command("CREATE UNIQUE INDEX zz_at_once ON zz (b)");
  expect(await findingsOf()).toEqual([]);
  await command("CREATE UNIQUE INDEX zz_plain_again ON zz (a)");
  expect(await findingsOf()).toEqual(["duplicate:zz_plain_again"]);
});

test("an index of a partition alone that its table has as well is needless there, and the table's is not", async () => {
  await command("CREATE TABLE zz (at date, n int) PARTITION BY RANGE (at)");
  await command("CREATE TABLE zz_old PARTITION OF zz FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')");
  await command("CREATE INDEX zz_by_n ON zz (n, at)");
  await command("CREATE INDEX zz_old_again ON zz_old (n, at)");
  await command("CREATE INDEX zz_old_short ON zz_old (n)");
  expect(await findingsOf()).toEqual(["duplicate:zz_old_again", "redundant:zz_old_short"]);
});

test("of a new index, and of one that standbys use or may use, nobody says that it is unused", async () => {
  await command("CREATE TABLE zz (at date, n int) PARTITION BY RANGE (at)");
  await command("CREATE TABLE zz_old PARTITION OF zz FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')");
  await command("INSERT INTO zz SELECT '2026-01-05', n FROM generate_series(1, 1000) AS n");
  await command("CREATE INDEX zz_by_n ON zz (n)");
  expect(await findingsOf()).toEqual([]); // it was not seen before
  await noteIndexes(db);
  expect(await findingsOf()).toEqual(["unused:zz_by_n"]);
  expect(await findingsOf({ minUnusedMs: 3_600_000 })).toEqual([]);
  const ofReplicas = (count: number, asked: number) =>
    useOnReplicas({
      askEach: async (ask) => await Promise.all(Array.from({ length: asked }, () => ask(db))),
      state: () =>
        Array.from({ length: count }, () => ({ address: "", isUsed: true, lagMs: undefined, reason: undefined })),
    });
  expect(await findingsOf({ onReplicas: await ofReplicas(0, 0) })).toEqual(["unused:zz_by_n"]);
  expect(await findingsOf({ onReplicas: await ofReplicas(1, 1) })).toEqual(["unused:zz_by_n"]);
  // One of two could not be asked.
  expect(await findingsOf({ minUnusedMs: 1, onReplicas: await ofReplicas(2, 1) })).toEqual([]);
  // The standby counts what it reads of each part.
  await using onStandby = await connectPostgres({ url: database.url, applicationName: "test", minConnections: 0 });
  await onStandby.transaction(async (tx) => {
    await tx.run(statement<[], never>("test.no_scans", "SET LOCAL enable_seqscan = off"), []);
    await tx.rows(statement<[], unknown>("test.use", "SELECT * FROM zz WHERE n = 7"), []);
    await tx.rows(statement<[], unknown>("test.flush", "SELECT pg_stat_force_next_flush()::text"), []);
  });
  await expect.poll(async () => (await ofReplicas(1, 1)).scans.get("public.zz_by_n"), { timeout: 5_000 }).toBe(1);
  const { scans } = await ofReplicas(1, 1);
  expect(await findingsOf({ onReplicas: { scans, countedMs: Number.MAX_VALUE } })).toEqual([]);
});

test("an index whose foreign key leaves out NULLs serves it", async () => {
  await command("CREATE TABLE zz_parent (id int PRIMARY KEY)");
  await command("INSERT INTO zz_parent SELECT generate_series(1, 10)");
  await command(
    "CREATE TABLE zz_child (id int PRIMARY KEY, parent int REFERENCES zz_parent, other int REFERENCES zz_parent)",
  );
  await command("INSERT INTO zz_child SELECT n, 1, 1 FROM generate_series(1, 2000) AS n");
  await command("CREATE INDEX zz_child_parent ON zz_child (parent) WHERE parent IS NOT NULL");
  await command("CREATE INDEX zz_child_other ON zz_child (other) WHERE id > 7");
  await command("ANALYZE");
  const options = { minUnusedBytes: 1e9 };
  expect(await findingsOf(options)).toEqual(["missing_foreign_key:zz_child:zz_child_other_fkey"]);
});

test("full indexes of every kind are not taken for bloated, also before and while the planner looks at them", async () => {
  await command("CREATE TABLE zz (id uuid, name text, half int, n int) PARTITION BY HASH (id)");
  for (const part of [0, 1])
    await command(`CREATE TABLE zz_${part} PARTITION OF zz FOR VALUES WITH (MODULUS 2, REMAINDER ${part})`);
  await command("ALTER TABLE zz_0 SET (autovacuum_enabled = off)");
  await command("ALTER TABLE zz_1 SET (autovacuum_enabled = off)");
  await command("CREATE INDEX zz_by_id ON zz (id)");
  await command("CREATE INDEX zz_by_text ON zz (name, id)");
  await command("CREATE INDEX zz_by_expression ON zz (repeat(name, 2))");
  await command("CREATE INDEX zz_loose ON zz (n) WITH (fillfactor = 30)");
  await command("CREATE INDEX zz_some ON zz (id) WHERE half IS NOT NULL");
  const options = { minUnusedBytes: 1e9 };
  const insert =
    "INSERT INTO zz SELECT gen_random_uuid(), md5(n::text), nullif(n % 2, 0), n FROM generate_series(1, 60000) AS n";
  await command(insert);
  expect(await findingsOf(options)).toEqual([]);
  await command("ANALYZE zz");
  expect(await findingsOf(options)).toEqual([]);
  // Since the planner looked there are four times as many.
  for (const _ of [1, 2, 3]) await command(insert);
  const counted = statement<[], { n: number }>(
    "test.counted",
    "SELECT sum(n_live_tup)::int AS n FROM pg_stat_user_tables WHERE relname IN ('zz_0', 'zz_1')",
  );
  // More, when ANALYZE had counted rows of an INSERT that told of them only after it.
  await expect.poll(async () => (await db.rows(counted, []))[0]?.n).toBeGreaterThanOrEqual(240_000);
  expect(await findingsOf(options)).toEqual([]);
  // Nine of ten are gone.
  await command("DELETE FROM zz WHERE n % 10 <> 0");
  await command("VACUUM ANALYZE zz");
  expect(await findingsOf(options)).toEqual(
    ["zz_by_expression", "zz_by_id", "zz_by_text", "zz_loose", "zz_some"].map((name) => `bloated:${name}`),
  );
}, 60_000);

test("a role that is no superuser is told the same", async () => {
  await createMonthlyPartition(db, "telemetry_events", "2026-11");
  const role = `plain_${Date.now()}`;
  await command(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  try {
    await command(`GRANT CREATE, USAGE ON SCHEMA public TO ${role}`);
    await command(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
    const url = new URL(database.url);
    url.username = role;
    url.password = "secret";
    await using plain = await connectPostgres({ url: url.href, applicationName: "test", minConnections: 0 });
    const own = (text: string) => plain.run(statement<[], never>("test.command", text), []);
    await own("CREATE TABLE zz (id int)");
    await own("INSERT INTO zz SELECT generate_series(1, 300000)");
    await own("CREATE INDEX zz_by_id ON zz (id)");
    await own("DELETE FROM zz WHERE id % 20 <> 0");
    await own("VACUUM ANALYZE zz");
    const found = await findIndexProblems(plain, { minBloatBytes: 1_000_000 });
    expect(found.map(({ id }) => id)).toEqual(["bloated:zz_by_id"]);
  } finally {
    await command(`DROP OWNED BY ${role}`);
    await command(`DROP ROLE ${role}`);
  }
});

test("with ten years of months it is told within the time that a statement has", async () => {
  for (let n = 0; n < 120; n += 1) {
    const month = `${2017 + Math.floor(n / 12)}-${String(1 + (n % 12)).padStart(2, "0")}`;
    await createMonthlyPartition(db, "telemetry_events", month);
  }
  await command(
    `INSERT INTO telemetry_events (id, source, type, time)
     SELECT n, 's', 't', '2017-01-01'::timestamptz + n * interval '80 hours' FROM generate_series(1, 1000) AS n`,
  );
  await command("ANALYZE");
  await using hasty = await connectPostgres({
    url: database.url,
    applicationName: "test",
    minConnections: 0,
    statementTimeoutMs: 2_500, // half of the default
  });
  expect(await findIndexProblems(hasty)).toEqual([]);
}, 60_000);
