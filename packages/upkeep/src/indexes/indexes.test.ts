import { connectPostgres, createMonthlyPartition, type Postgres, statement } from "@millrace/db";
import { createTestDatabase, type TestDatabase } from "@millrace/embedded/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startStatementMonitor } from "../statements/statement-monitor.ts";
import { findIndexProblems } from "./find-problems.ts";
import { recentActions, requestActions, runAction } from "./index-actions.ts";
import { noteIndexes } from "./index-facts.ts";

let database: TestDatabase;
let db: Postgres;
beforeEach(async () => {
  database = await createTestDatabase();
  ({ db } = database);
  for (const month of ["2026-10", "2026-11", "2026-12"]) await createMonthlyPartition(db, "telemetry_events", month);
  await fill();
});
afterEach(() => database[Symbol.asyncDispose]());

const command = (text: string) => db.run(statement<[], never>("test.command", text), []);
/** Unused is what nobody used in all the time that the test's server has been counting. */
const options = { minUnusedMs: 0, minUnusedBytes: 1_000_000 };
const problems = () => findIndexProblems(db, options);

async function fill(): Promise<void> {
  const address = "'0x' || lpad(to_hex(n), 40, '0')";
  await command(
    `INSERT INTO users (address, display_name) SELECT ${address}, 'user ' || n FROM generate_series(1, 3000) AS n`,
  );
  await command(
    `INSERT INTO telemetry_events (id, source, type, time, data)
     SELECT n::text, 'test/' || n % 10, 'type.' || n % 5, '2026-10-15'::timestamptz + n * interval '15 minutes',
            jsonb_build_object('n', n) FROM generate_series(1, 5000) AS n`,
  );
  await command("INSERT INTO balances (address, asset, amount) SELECT address, 'eip155:1', 5 FROM users");
  await command("ANALYZE");
}

test("the schema as it is has no problem", async () => {
  await noteIndexes(db);
  expect(await findIndexProblems(db)).toEqual([]);
});

test("ten planted problems are found, ten of ten, and nothing else", async () => {
  // 1: the same index twice; 2: twice on the partitioned table; 3: twice on one partition.
  await command("CREATE INDEX zz_users_twice ON users (address, display_name)");
  await command("CREATE INDEX zz_users_twice_more ON users (address, display_name)");
  await command("CREATE INDEX zz_events_by_type ON telemetry_events (type, time)");
  await command("CREATE INDEX zz_october ON telemetry_events_y2026m10 (source, received_at)");
  await command("CREATE INDEX zz_october_again ON telemetry_events_y2026m10 (source, received_at)");
  // 4: covered by a longer one.
  await command(
    `CREATE TABLE "Odd ""Names""" (id bigint PRIMARY KEY, "The Key" int, "Other" text, sent_at timestamptz)`,
  );
  await command(
    `INSERT INTO "Odd ""Names""" SELECT n, n % 100, repeat('x', 20), now() - n * interval '1 s' FROM generate_series(1, 60000) AS n`,
  );
  await command(`CREATE INDEX "Odd short" ON "Odd ""Names""" ("The Key")`);
  await command(`CREATE INDEX "Odd long" ON "Odd ""Names""" ("The Key", "Other")`);
  // 5: not built to its end.
  await expect(command(`CREATE UNIQUE INDEX CONCURRENTLY "Odd broken" ON "Odd ""Names""" ("The Key")`)).rejects.toThrow(
    "could not create unique index",
  );
  // 6: never used; 7: mostly empty.
  await command(`CREATE INDEX "Odd unused" ON "Odd ""Names""" ("Other", id)`);
  await command("CREATE TABLE hollow (id bigint, name text)");
  await command("INSERT INTO hollow SELECT n, md5(n::text) FROM generate_series(1, 600000) AS n");
  await command("CREATE UNIQUE INDEX hollow_by_id ON hollow (id)");
  await command("DELETE FROM hollow WHERE id % 20 <> 0");
  // 8: a foreign key without an index.
  await command("CREATE TABLE parent (id int PRIMARY KEY)");
  await command("INSERT INTO parent SELECT generate_series(1, 100)");
  await command("CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent)");
  await command("INSERT INTO child SELECT n, 1 + n % 100 FROM generate_series(1, 5000) AS n");
  // 9 and 10: a statement that reads a table to find a few rows, and by that a table that is mostly scanned.
  const byTime = statement<[from: Date], { id: string }>(
    "test.by_time",
    `SELECT id FROM "Odd ""Names""" WHERE sent_at > $1`,
  );
  await command("ANALYZE");
  {
    await using _monitor = startStatementMonitor({ db, app: "test", process: "test", everyMs: 20, onError: () => {} });
    for (let call = 0; call < 110; call += 1) await db.rows(byTime, [new Date(Date.now() - 20_000)]);
    const planned = statement<[], { n: number }>(
      "test.planned",
      "SELECT count(*)::int AS n FROM statement_plans WHERE statement = 'test.by_time'",
    );
    await expect.poll(() => db.rows(planned, [])).toEqual([{ n: 1 }]);
  }
  await command("VACUUM ANALYZE");
  await noteIndexes(db);
  await db.rows(statement<[], unknown>("test.flush", "SELECT pg_stat_force_next_flush()::text"), []);

  const expected = [
    "bloated:hollow_by_id",
    "duplicate:zz_events_by_type",
    "duplicate:zz_october_again",
    "duplicate:zz_users_twice_more",
    'invalid:"Odd broken"',
    'missing_by_scans:"Odd ""Names"""',
    'missing_by_workload:"Odd ""Names""":sent_at',
    "missing_foreign_key:child:child_parent_id_fkey",
    'redundant:"Odd short"',
    'unused:"Odd unused"',
  ];
  await expect
    .poll(
      async () => {
        const found = await problems();
        // Of indexes that nobody used there are more here than the one that was planted: this schema just began.
        return found
          .map(({ id }) => id)
          .filter((id) => !id.startsWith("unused:") || id === 'unused:"Odd unused"')
          .sort();
      },
      { timeout: 10_000 },
    )
    .toEqual(expected.sort());

  for (const { evidence, bytes, kind } of await problems()) {
    if (kind === "missing_by_scans") expect(evidence).toMatchObject({ read_by: ["test.by_time"] });
    expect(Object.keys(evidence)).not.toEqual([]);
    if (kind !== "missing_foreign_key" && kind !== "missing_by_scans") expect(bytes).toEqual(expect.any(Number));
  }

  // Each is mended by its own statements, while others write, and is then found no more.
  const mendable = (await problems()).filter(
    ({ statements, kind, id }) => statements.length > 0 && (kind !== "unused" || id === 'unused:"Odd unused"'),
  );
  await using upkeep = await connectPostgres({
    url: database.url,
    applicationName: "test",
    queryTimeoutMs: 60_000,
    minConnections: 0,
  });
  let isOver = false;
  const writing = (async () => {
    for (let n = 100_000; !isOver; n += 1)
      await command(`INSERT INTO "Odd ""Names""" VALUES (${n}, 1, 'y', now() - interval '9 days')`);
  })();
  for (const id of await requestActions(db, mendable)) await runAction(upkeep, id, "apply");
  isOver = true;
  await writing;
  expect((await recentActions(db, 20)).flatMap(({ error }) => error ?? [])).toEqual([]);
  await command("ANALYZE");
  const left = (await problems()).filter(({ id }) => expected.includes(id)).map(({ id }) => id);
  // Scans are counted since the server's statistics began.
  expect(left).toEqual(['missing_by_scans:"Odd ""Names"""']);
  expect((await recentActions(db, 20)).map(({ state }) => state)).toEqual(mendable.map(() => "done"));
}, 60_000);
