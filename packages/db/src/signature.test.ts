import { createTestDatabase, findPgbouncer, startPgbouncer } from "@millrace/embedded/testing";
import { labelOf, onBehalfOf } from "@millrace/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";
import { connectPostgres, type Postgres } from "./connect.ts";
import { statement } from "./statement.ts";

const seen = statement<[app: string], { name: string; query: string }>(
  "test.seen",
  `SELECT application_name AS name, query FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE $1 || '%' ORDER BY query LIKE '%INSERT%'`,
);
const ownName = statement<[], { name: string }>("test.own_name", "SELECT current_setting('application_name') AS name");
const sleep = statement<[], never>("test.sleep", "SELECT pg_sleep(30)");
const createTable = statement<[], never>("test.create_table", "CREATE TABLE signed (n int)");
const lockTable = statement<[], never>("test.lock_table", "LOCK TABLE signed IN ACCESS EXCLUSIVE MODE");
const copyRows = statement<[], never>("test.copy", "COPY signed FROM STDIN");
const add = statement<[n: number], { n: number }>("test.add", "INSERT INTO signed VALUES ($1) RETURNING n");
const endOthers = statement<[], never>(
  "test.end_others",
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
);

/** A row for each of the server's entries, so that two entries of one statement are two rows. */
const countedAs = statement<[], { name: string; calls: number }>(
  "test.counted_as",
  `SELECT substring(query from '^\\w+ /\\* ([a-z0-9_.]+) \\*/') AS name, calls::int
     FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND query ~ '/\\* (test.add|test.copy|test.own_name|transaction.sign) \\*/' ORDER BY 1`,
);

const origin = { label: labelOf("ingest", ["17", "18", "19"], ["request-1", "request-2"]), fields: {} };
const options = { applicationName: "signing", minConnections: 0 };

test("whoever looks at PostgreSQL while a batch waits there sees its jobs and a request, for a COPY and a transaction", async () => {
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await createTestDatabase());
  const db = parts.use(await connectPostgres({ url: database.url, ...options }));
  await database.db.run(createTable, []);
  const [locked, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  parts.defer(release.resolve);
  const holder = database.db.transaction(async (tx) => {
    await tx.run(lockTable, []);
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  const copying = onBehalfOf(origin, () => db.copyIn(copyRows, "1\n2\n"));
  const adding = onBehalfOf(origin, () => db.transaction((tx) => tx.rows(add, [3])));
  const name = "signing ingest:17+2 request-1";
  await expect
    .poll(() => database.db.rows(seen, ["signing"]), { timeout: 10_000 })
    .toEqual([
      { name, query: expect.stringContaining("COPY /* test.copy */") },
      { name, query: "INSERT /* test.add */ INTO signed VALUES ($1) RETURNING n" },
    ]);
  release.resolve();
  await holder;
  expect(await copying).toBe(2);
  expect(await adding).toEqual([{ n: 3 }]);
  await expectOwnName(db);
});

test("a statement by itself says it behind its name, and nothing where nobody asked", async () => {
  await using database = await createTestDatabase();
  await using db = await connectPostgres({ url: database.url, ...options });
  const asked = onBehalfOf(origin, () => db.run(sleep, [])).catch(() => {});
  const unasked = db.run(sleep, []).catch(() => {});
  await expect
    .poll(async () => (await database.db.rows(seen, ["signing"])).map(({ query }) => query).toSorted(), {
      timeout: 10_000,
    })
    .toEqual([
      "SELECT /* test.sleep */ /* ingest:17+2 request-1 */ pg_sleep(30)",
      "SELECT /* test.sleep */ pg_sleep(30)",
    ]);
  await database.db.run(endOthers, []);
  await Promise.all([asked, unasked]);
});

test("no label, whatever it holds, changes what a statement does", async () => {
  await using database = await createTestDatabase();
  await using db = await connectPostgres({ url: database.url, ...options });
  await database.db.run(createTable, []);
  const nasty = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.constantFrom(
      "*/ DROP TABLE signed; --",
      "'; DROP TABLE signed; --",
      "\\'); --",
      "/*",
      "$1",
      "\n",
      "\0",
      "ä".repeat(63),
    ),
  );
  let rows = 0;
  await fc.assert(
    fc.asyncProperty(nasty, async (label) => {
      await onBehalfOf({ label, fields: {} }, async () => {
        expect(await db.rows(add, [rows])).toEqual([{ n: rows }]);
        expect(await db.transaction((tx) => tx.rows(add, [rows]))).toEqual([{ n: rows }]);
        expect(await db.copyIn(copyRows, "1\n")).toBe(1);
      });
      rows += 1;
    }),
    { numRuns: 25 },
  );
  await expectOwnName(db);
});

test("however many labels there are, pg_stat_statements counts each statement as one", async () => {
  await using database = await createTestDatabase();
  await using db = await connectPostgres({ url: database.url, ...options });
  await database.db.run(statement<[], never>("test.extend", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"), []);
  await database.db.run(createTable, []);
  for (let n = 0; n < 10; n += 1) {
    await onBehalfOf({ label: labelOf("ingest", [`${n}`, "x"], [`request-${n}`]), fields: {} }, async () => {
      await db.rows(add, [n]);
      await db.transaction((tx) => tx.rows(ownName, []));
      await db.copyIn(copyRows, "1\n");
    });
  }
  const counted = await database.db.rows(countedAs, []);
  expect(counted).toEqual([
    { name: "test.add", calls: 10 },
    { name: "test.copy", calls: 10 },
    { name: "test.own_name", calls: 10 },
    { name: "transaction.sign", calls: 20 },
  ]);
});

test("a COPY that fails leaves neither rows nor the name", async () => {
  await using database = await createTestDatabase();
  await using db = await connectPostgres({ url: database.url, ...options, maxConnections: 2 });
  await database.db.run(createTable, []);
  await expect(onBehalfOf(origin, () => db.copyIn(copyRows, "1\nx\n"))).rejects.toThrow("invalid input syntax");
  await expectOwnName(db);
  expect(await db.copyIn(copyRows, "1\n")).toBe(1);
});

const { program, missing } = await findPgbouncer();

test.skipIf(program === undefined)(
  `behind PgBouncer nobody inherits the name of another one's transaction${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    if (program === undefined) return;
    await using database = await createTestDatabase();
    await using bouncer = await startPgbouncer(program, database.url);
    await using db = await connectPostgres({ url: bouncer.url, ...options, statementTimeoutMs: 0 });
    await using other = await connectPostgres({
      url: bouncer.url,
      ...options,
      applicationName: "other",
      statementTimeoutMs: 0,
    });
    await database.db.run(createTable, []);
    for (let turn = 0; turn < 5; turn += 1) {
      const named = await onBehalfOf(origin, () => db.transaction((tx) => tx.rows(ownName, [])));
      expect(named).toEqual([{ name: "signing ingest:17+2 request-1" }]);
      expect(await onBehalfOf(origin, () => db.copyIn(copyRows, "1\n"))).toBe(1);
      expect(await other.rows(ownName, [])).toEqual([{ name: "other" }]);
      expect(await db.rows(ownName, [])).toEqual([{ name: "signing" }]);
    }
  },
);

async function expectOwnName(db: Postgres): Promise<void> {
  const names = await Promise.all(Array.from({ length: 4 }, () => db.rows(ownName, [])));
  expect(new Set(names.flat().map(({ name }) => name))).toEqual(new Set(["signing"]));
}
