import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connectPostgres, migrateUp, type Postgres, statement } from "@millrace/db";
import { give, serverAccount } from "@millrace/embedded";
import { createServerFolder, findServerTools, startToolServer, type ToolServer } from "@millrace/embedded/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { databaseHealth } from "./database-health.ts";

const bin = await findServerTools();
const migrations = fileURLToPath(new URL("../../../../migrations", import.meta.url));

describe.skipIf(bin === undefined)("on a server of its own (skipped where /usr/lib/postgresql has none)", () => {
  let resources: AsyncDisposableStack;
  let folder: string;
  let server: ToolServer;
  let db: Postgres;

  beforeAll(async () => {
    resources = new AsyncDisposableStack();
    ({ path: folder } = resources.use(await createServerFolder()));
    server = resources.use(await start("server"));
    await migrateUp({ url: server.url, directory: migrations });
    db = resources.use(await connectPostgres({ url: server.url, applicationName: "test", queryTimeoutMs: 60_000 }));
  }, 60_000);
  afterAll(() => resources.disposeAsync());

  const start = (name: string, settings: Readonly<Record<string, string>> = {}) =>
    startToolServer({
      bin: bin ?? "",
      folder,
      name,
      settings: {
        wal_level: "replica",
        autovacuum: "off",
        max_prepared_transactions: "5",
        max_slot_wal_keep_size: "64MB",
        ...settings,
      },
    });
  const command = (text: string) => db.run(statement<[], never>("test.command", text), []);
  const checkOf = async (id: string, of: Postgres = db) =>
    (await databaseHealth(of, { partitionedTable: "telemetry_events" })).find((check) => check.id === id);
  const writeLog = async (megabytes: number): Promise<void> => {
    const write = "SELECT pg_logical_emit_message(false, 'test', repeat('x', 1000000))";
    for (let n = 0; n < megabytes; n += 1) await command(write);
  };

  test("dead rows that nobody cleans up", async () => {
    await command(`CREATE TABLE "Often Changed" AS SELECT n FROM generate_series(1, 30000) AS n`);
    await command(`UPDATE "Often Changed" SET n = n + 1`);
    await expect
      .poll(() => checkOf("dead_rows"), { timeout: 10_000 })
      .toMatchObject({
        status: "critical",
        value: 0.5,
        evidence: [{ table: '"Often Changed"', dead_rows: 30_000 }],
      });
    await command(`VACUUM "Often Changed"`);
    await expect.poll(() => checkOf("dead_rows"), { timeout: 10_000 }).toMatchObject({ status: "ok" });
  });

  test("who keeps vacuum back: a session that sits in its transaction, and is idle in it", async () => {
    await using other = await connectPostgres({ url: server.url, applicationName: "forgetful", minConnections: 0 });
    await other.transaction(async (tx) => {
      await tx.run(statement<[], never>("test.keep", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"), []);
      const [{ pid } = { pid: 0 }] = await tx.rows(
        statement<[], { pid: number }>("test.pid", "SELECT pg_backend_pid() AS pid FROM pg_class LIMIT 1"),
        [],
      );
      for (let n = 0; n < 10; n += 1) await command("SELECT pg_current_xact_id()");
      const horizon = await checkOf("xmin_horizon");
      expect(horizon?.value).toBeGreaterThanOrEqual(10);
      expect(horizon?.evidence).toContainEqual(
        expect.objectContaining({ holder: `session ${pid}`, detail: "forgetful" }),
      );
      expect(await checkOf("idle_in_transaction")).toMatchObject({
        status: "ok",
        value: expect.any(Number),
        evidence: [{ pid, application: "forgetful", last_statement: expect.stringContaining("test.pid") }],
      });
      expect((await checkOf("long_transactions"))?.evidence).toContainEqual(expect.objectContaining({ pid }));
    });
    expect((await checkOf("idle_in_transaction"))?.evidence).toEqual([]);
  });

  test("a standby that does not keep up, and a slot whose log is lost", async () => {
    await command("SELECT pg_create_physical_replication_slot('forgotten', true)");
    expect(await checkOf("replication_slots")).toMatchObject({ status: "ok", evidence: [{ slot: "forgotten" }] });
    const make = (run: ToolServer["run"], dataDir: string) =>
      run("pg_basebackup", [
        "-h",
        "127.0.0.1",
        "-p",
        String(server.port),
        "-U",
        "postgres",
        "-D",
        dataDir,
        "-R",
        "-c",
        "fast",
      ]);
    await using _standby = await startToolServer({
      bin: bin ?? "",
      folder,
      name: "standby",
      make,
      settings: { recovery_min_apply_delay: "1h", max_prepared_transactions: "5" },
    });
    await command("CREATE TABLE waits (n int)"); // its commit is applied in an hour
    await writeLog(130);
    await expect
      .poll(() => checkOf("replication_lag"), { timeout: 20_000 })
      .toMatchObject({
        status: "warning",
        evidence: [{ replica: "walreceiver", state: "streaming" }],
      });
    await command("CHECKPOINT");
    expect(await checkOf("replication_slots")).toMatchObject({
      status: "critical",
      evidence: [{ slot: "forgotten", wal_status: "lost" }],
      advice: expect.stringContaining("drop the slot"),
    });
    await command("SELECT pg_drop_replication_slot('forgotten')");
    expect(await checkOf("replication_slots")).toMatchObject({ status: "ok", evidence: [] });
  }, 60_000);

  test("the end of the disk, foretold from how the database grew", async () => {
    const grow = statement<[], never>(
      "test.grow",
      `INSERT INTO database_samples (taken_at, sample)
       SELECT now() - n * interval '6 hours', jsonb_build_object('database_bytes', 1e12 - n * 25e9)
         FROM generate_series(0, 20) AS n`,
    );
    await db.run(grow, []);
    const disk = async (diskBytes: number | undefined) =>
      (await databaseHealth(db, { partitionedTable: "telemetry_events", diskBytes })).find(({ id }) => id === "disk");
    const inTenDays = await disk(2e12);
    expect(inTenDays).toMatchObject({ status: "warning", evidence: [{ database_bytes: 1e12, disk_bytes: 2e12 }] });
    expect(inTenDays?.value).toBeCloseTo(10, 1);
    expect(inTenDays?.evidence[0]?.["bytes_per_day"]).toBeCloseTo(100e9, -9);
    expect(await disk(1.5e12)).toMatchObject({ status: "critical" });
    expect(await disk(1e13)).toMatchObject({ status: "ok" });
    expect(await disk(undefined)).toMatchObject({ status: "skipped", advice: expect.stringContaining("_DISK_BYTES") });
    await command("DELETE FROM database_samples");
  });

  test("a role that sees only itself is told so, and not that all is well", async () => {
    await command("CREATE ROLE plain LOGIN");
    await command("GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain");
    const url = server.url.replace("postgres@", "plain@");
    await using plain = await connectPostgres({ url, applicationName: "test", minConnections: 0 });
    const blind = ["idle_in_transaction", "long_transactions", "blocked", "xmin_horizon", "replication_lag"];
    for (const id of blind) {
      expect(await checkOf(id, plain), id).toMatchObject({
        status: "skipped",
        advice: expect.stringContaining("pg_monitor"),
      });
    }
    expect(await checkOf("wraparound", plain)).toMatchObject({ status: "ok" });
    await command("GRANT pg_monitor TO plain");
    for (const id of blind) expect(await checkOf(id, plain), id).toMatchObject({ status: "ok" });
  });

  test("a byte that the disk changed", async () => {
    await command("CREATE TABLE spoiled AS SELECT n FROM generate_series(1, 1000) AS n");
    const [{ path } = { path: "" }] = await db.rows(
      statement<[], { path: string }>("test.path", "SELECT pg_relation_filepath('spoiled') AS path"),
      [],
    );
    await command("CHECKPOINT");
    expect(await checkOf("checksum_failures")).toMatchObject({ status: "ok", value: 0 });
    await server.kill();
    {
      await using file = await open(join(server.dataDir, path), "r+");
      await file.write(Buffer.from([255]), 0, 1, 4_000);
    }
    await server.start();
    await expect
      .poll(() => command("SELECT count(*) FROM spoiled").catch((error: unknown) => String(error)), { timeout: 10_000 })
      .toContain("invalid page");
    await expect
      .poll(() => checkOf("checksum_failures"), { timeout: 10_000 })
      .toMatchObject({
        status: "critical",
        evidence: [{ database: "postgres" }],
      });
    await command("DROP TABLE spoiled");
  }, 60_000);

  test("transaction numbers that come to their end, and a prepared transaction that holds the oldest", async () => {
    await using apart = await start("old", { autovacuum_freeze_max_age: "2000000000" });
    await migrateUp({ url: apart.url, directory: migrations });
    {
      await using before = await connectPostgres({ url: apart.url, applicationName: "test", minConnections: 0 });
      expect(await checkOf("wraparound", before)).toMatchObject({ status: "ok" });
      await before.withConnection(async (connection) => {
        for (const text of ["BEGIN", "CREATE TABLE held (n int)", "PREPARE TRANSACTION 'forgotten'"]) {
          await connection.run(statement<[], never>("test.prepare", text), []);
        }
      });
    }
    await apart.stop();
    // 1.2 thousand million transactions later; the page of the commit log that the next one needs is there.
    const next = 1_200 * 1_048_576;
    const name = (1_200).toString(16).toUpperCase().padStart(4, "0");
    await writeFile(join(apart.dataDir, "pg_xact", name), Buffer.alloc(262_144));
    await give(await serverAccount("/"), join(apart.dataDir, "pg_xact"));
    await apart.run("pg_resetwal", ["-x", String(next), "-D", apart.dataDir]);
    await apart.start();
    await using after = await connectPostgres({ url: apart.url, applicationName: "test", minConnections: 0 });
    expect(await checkOf("wraparound", after)).toMatchObject({
      status: "warning",
      evidence: expect.arrayContaining([{ database: "template1", table: null, value: expect.any(Number) }]),
    });
    expect(await checkOf("xmin_horizon", after)).toMatchObject({
      status: "critical",
      evidence: [{ holder: "prepared transaction forgotten", detail: "postgres" }],
    });
  }, 60_000);
});
