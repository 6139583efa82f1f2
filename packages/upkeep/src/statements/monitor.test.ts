import { countedTogether, type Postgres, statement } from "@millrace/db";
import { createTestDatabase, type TestDatabase } from "@millrace/embedded/testing";
import { addTo, bucketOf, type LatencySketch, pairsOf, quantileOf } from "@millrace/runtime";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { kindOf, withoutValues } from "./explain.ts";
import { planFingerprint } from "./plan-fingerprint.ts";
import { createPlanSampler } from "./plan-sampler.ts";
import { queryFigures } from "./query-analysis.ts";
import { planRegressions, plansOf } from "./regressions.ts";
import { collectServerStatements } from "./server-statements.ts";
import { startStatementMonitor } from "./statement-monitor.ts";

let database: TestDatabase;
let db: Postgres;
beforeEach(async () => {
  database = await createTestDatabase();
  ({ db } = database);
});
afterEach(() => database[Symbol.asyncDispose]());

const anHourAgo = (): Date => new Date(Date.now() - 3_600_000);
const slowly = statement<[text: string], { slept: string }>(
  "test.read_slowly",
  "SELECT pg_sleep(0.06)::text AS slept FROM users WHERE display_name IS DISTINCT FROM $1 LIMIT 1",
);
const readUser = statement<[address: string], { address: string }>(
  "test.read_user",
  "SELECT address FROM users WHERE address = $1",
);
const fail = statement<[], never>("test.fail", "SELECT 1 / 0");
const addUsers = statement<[], never>(
  "test.add_users",
  "INSERT INTO users (address) SELECT '0x' || lpad(to_hex(n), 40, '0') FROM generate_series(1, 2000) AS n",
);
const address = `0x${"0".repeat(39)}1`;

const monitor = (everyMs = 3_600_000) =>
  startStatementMonitor({
    db,
    app: "test",
    process: `test-${Math.random()}`,
    everyMs,
    onError: (error) => {
      throw error;
    },
  });

test("calls, rows, errors by SQLSTATE, and calls that repeat within a request are summed over processes", async () => {
  await db.run(addUsers, []);
  for (const _ of ["one process", "another one"]) {
    await using _monitor = monitor();
    await countedTogether(async () => {
      for (let call = 0; call < 15; call += 1) await db.rows(readUser, [address]);
    });
    await countedTogether(() => db.rows(readUser, [address]));
    await expect(db.rows(fail, [])).rejects.toThrow("division by zero");
  }
  const figures = new Map((await queryFigures(db, anHourAgo())).map((figure) => [figure.statement, figure]));
  expect(figures.get("test.read_user")).toMatchObject({ calls: 32, rows: 32, repeated: 10, errors: {} });
  expect(figures.get("test.fail")).toMatchObject({ calls: 2, rows: 0, errors: { 22012: 2 } });
  const { p50Ms, p99Ms, meanMs } = figures.get("test.read_user") ?? {};
  expect(p50Ms).toBeGreaterThan(0);
  expect(p99Ms ?? 0).toBeGreaterThanOrEqual(p50Ms ?? 0);
  expect(meanMs).toBeGreaterThan(0);
});

test("a slow call is kept with its plan and with what its values were like, but not with the values", async () => {
  await db.run(addUsers, []);
  {
    await using _monitor = monitor(20);
    await db.rows(slowly, ["a secret"]);
    await expect.poll(() => plansOf(db, "test.read_slowly")).toHaveLength(1);
  }
  const [plan] = await plansOf(db, "test.read_slowly");
  expect(plan).toMatchObject({ parameters: ["text(8)"], is_slow: true });
  expect(plan?.duration_ms).toBeGreaterThan(50);
  expect(JSON.stringify(plan?.plan)).toContain("display_name IS DISTINCT FROM '?'");
  expect(JSON.stringify(plan)).not.toContain("secret");
});

test("what pg_stat_statements counts is added up under our names, and its being reset loses nothing before", async () => {
  expect(await collectServerStatements(db)).toBe(true); // where counting begins
  for (let call = 0; call < 5; call += 1) await db.rows(readUser, [address]);
  expect(await collectServerStatements(db)).toBe(true);
  const read = async () =>
    (await queryFigures(db, anHourAgo())).find((figure) => figure.statement === "test.read_user");
  expect((await read())?.server).toMatchObject({ calls: 5 });
  await db.rows(
    statement<[], unknown>(
      "test.reset",
      `SELECT pg_stat_statements_reset(0, oid, 0)::text FROM pg_database WHERE datname = current_database()`,
    ),
    [],
  );
  for (let call = 0; call < 3; call += 1) await db.rows(readUser, [address]);
  await collectServerStatements(db);
  expect((await read())?.server).toMatchObject({ calls: 8 });
});

test("on a server that does not tell when a statement was reset, any count that went down tells", async () => {
  await collectServerStatements(db);
  for (let call = 0; call < 5; call += 1) await db.rows(readUser, [address]);
  await collectServerStatements(db);
  // As if what was known had come from before a reset, after which there were as many calls again, but quicker ones.
  await db.run(
    statement<[], never>("test.longer_before", "UPDATE server_statement_state SET total_ms = total_ms + 60000"),
    [],
  );
  for (let call = 0; call < 3; call += 1) await db.rows(readUser, [address]);
  await collectServerStatements(db);
  const figures = await queryFigures(db, anHourAgo());
  expect(figures.filter(({ server }) => (server?.totalMs ?? 0) < 0)).toEqual([]);
  expect(figures.find((figure) => figure.statement === "test.read_user")?.server).toMatchObject({ calls: 5 + 8 });
});

test("a role that may not have pg_stat_statements is told that there are no such counts", async () => {
  const command = (text: string) => statement<[], never>("test.command", text);
  await db.transaction(async (tx) => {
    await tx.run(command("CREATE ROLE millrace_test_powerless"), []);
    await tx.run(command("GRANT ALL ON ALL TABLES IN SCHEMA public TO millrace_test_powerless"), []);
    await tx.run(command("SET LOCAL ROLE millrace_test_powerless"), []);
    expect(await collectServerStatements(tx)).toBe(false);
    await tx.run(command("RESET ROLE"), []);
    await tx.run(command("DROP OWNED BY millrace_test_powerless"), []);
    await tx.run(command("DROP ROLE millrace_test_powerless"), []);
  });
});

test("each time that a plan changed and made its statement slower is told, also when the plan was known", async () => {
  await db.run(addUsers, []);
  const command = (text: string) => db.run(statement<[], never>("test.command", text), []);
  const note = async () => {
    // A new one each time: one does not look at the same statement again for minutes.
    const sampler = createPlanSampler({ db });
    for (const name of ["test.slower", "test.same"]) {
      const { text } = statement(name, "SELECT 1 FROM users WHERE display_name = $1 AND created_at IS NOT NULL");
      sampler.consider({ name, text, params: ["x"], durationMs: 60 });
    }
    await sampler.sample(new Map());
  };
  const shift = (minutes: number) =>
    command(`UPDATE statement_plan_changes SET changed_at = changed_at - ${minutes} * interval '1 minute'`);
  const addMinute = statement<[name: string, minutesAgo: number, calls: number, totalMs: number], never>(
    "test.add_minute",
    `INSERT INTO statement_minutes (minute, process, app, statement, calls, rows, total_ms, repeated, durations)
     VALUES (date_trunc('minute', now()) - $2 * interval '1 minute', 'p', 'a', $1, $3, 0, $4, 0, '{}')`,
  );
  const countChanges = statement<[], { n: number }>(
    "test.changes",
    "SELECT count(*)::int AS n FROM statement_plan_changes",
  );

  await command("CREATE INDEX by_name ON users (display_name)");
  await command("ANALYZE users");
  await note();
  await note();
  expect(await db.rows(countChanges, [])).toEqual([{ n: 0 }]);
  await command("DROP INDEX by_name");
  await note();
  await shift(300);
  await command("CREATE INDEX by_name ON users (display_name)");
  await note();
  await shift(100);
  await command("DROP INDEX by_name");
  await note();
  await shift(20);
  // To the worse plan 420 minutes ago, back 120 minutes ago, and to the worse one again 20 minutes ago.
  expect(await db.rows(countChanges, [])).toEqual([{ n: 6 }]);
  for (const [name, msAfter] of [
    ["test.slower", 40],
    ["test.same", 11],
  ] as const) {
    await db.run(addMinute, [name, 30, 40, 400]);
    await db.run(addMinute, [name, 10, 40, 40 * msAfter]);
  }
  expect(await planRegressions(db, anHourAgo())).toMatchObject([
    { statement: "test.slower", meanBeforeMs: 10, meanAfterMs: 40, planAfter: { "Node Type": "Seq Scan" } },
  ]);
  expect(await planRegressions(db, new Date())).toEqual([]);
});

test("a percentile of any durations is within 5 % of the true one, and sketches add up", () => {
  const durations = fc.array(fc.double({ min: 0.02, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(durations, durations, fc.constantFrom(0.5, 0.95, 0.99), (one, other, share) => {
      const sketch: LatencySketch = new Map();
      for (const duration of one) addTo(sketch, bucketOf(duration));
      const another: LatencySketch = new Map();
      for (const duration of other) addTo(another, bucketOf(duration));
      const pairs = pairsOf(another);
      for (let at = 0; at < pairs.length; at += 2) addTo(sketch, pairs[at] ?? 0, pairs[at + 1]);
      const sorted = [...one, ...other].sort((a, b) => a - b);
      const truth = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
      expect(Math.abs((quantileOf(sketch, share) ?? 0) / truth - 1)).toBeLessThan(0.051);
    }),
  );
});

test("a plan is the same for other partitions, and another for another index or join", () => {
  const scan = (table: string, index?: string) => ({
    "Node Type": index === undefined ? "Seq Scan" : "Index Scan",
    "Relation Name": table,
    ...(index !== undefined && { "Index Name": index }),
    "Parent Relationship": "Member",
  });
  const over = (...Plans: object[]) => planFingerprint({ "Node Type": "Append", Plans } as never);
  const oneMonth = planFingerprint(scan("events_y2026m11", "events_y2026m11_time_idx"));
  expect(over(scan("events_y2026m10", "events_y2026m10_time_idx"))).toBe(oneMonth);
  expect(
    over(scan("events_y2026m10", "events_y2026m10_time_idx"), scan("events_y2026m12", "events_y2026m12_time_idx")),
  ).toBe(oneMonth);
  expect(planFingerprint(scan("events_y2026m11"))).not.toBe(oneMonth);
  expect(planFingerprint(scan("events_y2026m11", "events_y2026m11_type_idx"))).not.toBe(oneMonth);
});

test("values are described, not kept", () => {
  const filter = "((n = 7) AND (note > 'it''s'::text) AND (tags @> '{a,b}'::text[]) AND (\"A 1\" >= -2.5))";
  expect(withoutValues({ Filter: filter, "Plan Rows": 12 })).toEqual({
    Filter: "((n = ?) AND (note > '?'::text) AND (tags @> '?'::text[]) AND (\"A 1\" >= ?))",
    "Plan Rows": 12,
  });
  const others = {
    Output: ["(42)", "t1.a2", "(n + 4711)", "f(1.5e+20, $1)", "(InitPlan 1).col1", "(-7)", "power(12, n)"],
    "Index Name": "by 10 'most'",
    "Subplan Name": "InitPlan 1",
  };
  expect(withoutValues(others)).toEqual({
    ...others,
    Output: ["(?)", "t1.a2", "(n + ?)", "f(?, $1)", "(InitPlan 1).col1", "(?)", "power(?, n)"],
  });
  expect([null, new Date(), Buffer.alloc(3), ["ab", "c"], [], "xyz", 1, true].map(kindOf)).toEqual([
    "null",
    "time",
    "bytes(3)",
    "text(2)[2]",
    "[0]",
    "text(3)",
    "number",
    "boolean",
  ]);
});
