import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectPostgres, openPostgres, type Postgres, statement } from "@millrace/db";
import { give, serverAccount } from "@millrace/embedded";
import { createServerFolder, findServerTools, startToolServer, type ToolServer } from "@millrace/embedded/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BackupError } from "./backup-error.ts";
import { type BackupRecord, listBackups, pathsOf } from "./backup-record.ts";
import { createBackup } from "./create-backup.ts";
import { drillBackup } from "./drill.ts";
import { receiveWal } from "./receive-wal.ts";
import { restoreBackup } from "./restore-backup.ts";
import { differencesOf } from "./table-facts.ts";
import { findTools } from "./tools.ts";
import { verifyBackup } from "./verify-backup.ts";
import { requireUnbroken, segmentAt } from "./wal-segments.ts";

const bin = await findServerTools();
const command = (text: string) => statement<[], never>("test.command", text);

describe.skipIf(bin === undefined)("with the server's own tools (skipped where /usr/lib/postgresql has none)", () => {
  let resources: AsyncDisposableStack;
  let server: ToolServer;
  let db: Postgres;
  let directory: string;
  let folder: string;
  let backup: BackupRecord;
  const searchPath = bin ?? "";

  beforeAll(async () => {
    resources = new AsyncDisposableStack();
    ({ path: folder } = resources.use(await createServerFolder()));
    directory = join(folder, "backups");
    server = resources.use(
      await startToolServer({ bin: bin ?? "", folder, name: "server", settings: { wal_level: "replica" } }),
    );
    db = resources.use(await connectPostgres({ url: server.url, applicationName: "test", queryTimeoutMs: 60_000 }));
    await db.run(command(`CREATE TABLE "Calls" (id bigint PRIMARY KEY, note text)`), []);
    await db.run(command(`INSERT INTO "Calls" SELECT n, repeat('x', 200) FROM generate_series(1, 20000) AS n`), []);
    await db.run(command("CREATE TABLE small (id int)"), []);
    backup = await createBackup({ url: server.url, db, directory, searchPath });
  }, 120_000);
  afterAll(() => resources.disposeAsync());

  /** A copy of the backup to be damaged. */
  async function copyOf(name: string): Promise<string> {
    const copy = join(folder, name);
    await cp(join(directory, backup.id), join(copy, backup.id), { recursive: true, preserveTimestamps: true });
    return copy;
  }

  test("a backup is verified, and a drill restores it to just what was there", async () => {
    expect(backup.isExact).toBe(true);
    expect(backup.tables['"Calls"']).toMatchObject({ rows: 20_000, hash: expect.stringMatching(/^-?\d+$/) });
    expect((await listBackups(directory)).map(({ id }) => id)).toEqual([backup.id]);
    await verifyBackup({ directory, id: backup.id, searchPath });
    await db.run(command("INSERT INTO small VALUES (1)"), []); // after the backup
    const result = await drillBackup({ directory, searchPath });
    expect(result.checks).toEqual([
      { name: "verify", isOk: true, detail: expect.any(String) },
      { name: "amcheck", isOk: true, detail: expect.any(String) },
      { name: "rows", isOk: true, detail: "2 tables of postgres are as they were" },
      { name: "restore", isOk: true, detail: expect.any(String) },
    ]);
    expect(result).toMatchObject({ isOk: true, backupId: backup.id });
    expect(result.rtoMs).toBeGreaterThan(0);
    expect(result.rpoMs).toBeGreaterThan(0);
  }, 120_000);

  test("a byte that flipped in the backup is found, and the file named", async () => {
    const copy = await copyOf("flipped");
    const data = pathsOf(copy, backup.id).data;
    const [{ path } = { path: "" }] = await db.rows(
      statement<[], { path: string }>("test.path", `SELECT pg_relation_filepath('"Calls"') AS path`),
      [],
    );
    const bytes = await readFile(join(data, path));
    bytes[5_000] = (bytes[5_000] ?? 0) ^ 1;
    await writeFile(join(data, path), bytes);
    await expect(verifyBackup({ directory: copy, id: backup.id, searchPath })).rejects.toThrow(path);
    const drill = await drillBackup({ directory: copy, searchPath });
    expect(drill.isOk).toBe(false);
    expect(drill.checks[0]).toMatchObject({ name: "verify", isOk: false, detail: expect.stringContaining(path) });
    await rm(copy, { recursive: true });
  }, 120_000);

  test("a segment of the log that is missing or damaged is found", async () => {
    const copy = await copyOf("gap");
    const { wal } = pathsOf(copy, backup.id);
    const segment = segmentAt(backup.restoreLsn, 1);
    const bytes = await readFile(join(wal, segment));
    bytes.fill(0, 0, 8_192);
    await writeFile(join(wal, segment), bytes);
    await expect(verifyBackup({ directory: copy, id: backup.id, searchPath })).rejects.toThrow(BackupError);
    await rm(join(wal, segment));
    await expect(verifyBackup({ directory: copy, id: backup.id, searchPath })).rejects.toThrow(`${segment} is missing`);
    const restoring = restoreBackup({ directory: copy, id: backup.id, into: join(folder, "gap-restored") });
    await expect(restoring).rejects.toThrow(`${segment} is missing`);
    await rm(copy, { recursive: true });
  }, 120_000);

  test("a restore to a time has what was committed before it, and nothing of after", async () => {
    const archive = pathsOf(directory, backup.id).archive;
    const stop = new AbortController();
    const tools = await findTools(backup.major, searchPath);
    const receiving = receiveWal({ tools, url: server.url, directory, signal: stop.signal, onLine: () => {} });
    const slots = statement<[], { active: boolean }>("test.slots", "SELECT active FROM pg_replication_slots");
    await expect.poll(() => db.rows(slots, []), { timeout: 10_000 }).toEqual([{ active: true }]);
    await db.run(command("INSERT INTO small VALUES (100)"), []);
    await sleep(20); // so that there is a moment between the two
    const [{ at } = { at: new Date() }] = await db.rows(
      statement<[], { at: Date }>("test.now", "SELECT clock_timestamp() AS at"),
      [],
    );
    await sleep(20);
    await db.run(command("INSERT INTO small VALUES (200)"), []);
    const switched = statement<[], { name: string }>("test.switch", "SELECT pg_walfile_name(pg_switch_wal()) AS name");
    const [{ name } = { name: "" }] = await db.rows(switched, []);
    await db.run(command("INSERT INTO small VALUES (300)"), []);
    await expect.poll(() => readdir(archive), { timeout: 20_000 }).toContain(name);
    stop.abort();
    await receiving;

    const into = join(folder, "in-time");
    await restoreBackup({ directory, id: backup.id, into, toTime: at });
    await expect(restoreBackup({ directory, id: backup.id, into })).rejects.toThrow("is not empty");
    const account = await serverAccount("/");
    await give(account, into);
    await using restored = await startToolServer({
      bin: bin ?? "",
      folder,
      name: "in-time",
      settings: { hot_standby: "off" },
      make: async () => {},
    });
    await using reader = openPostgres({ url: restored.url, applicationName: "test", minConnections: 0 });
    const rows = await reader.rows(statement<[], { id: number }>("test.small", "SELECT id FROM small ORDER BY id"), []);
    expect(rows.map(({ id }) => id)).toEqual([1, 100]);
  }, 120_000);

  test("a backup that was cut short is none", async () => {
    const stop = new AbortController();
    const creating = createBackup({
      url: server.url,
      db,
      directory,
      searchPath,
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await expect(creating).rejects.toThrow();
    expect((await listBackups(directory)).map(({ id }) => id)).toEqual([backup.id]);
    expect((await readdir(directory)).filter((name) => name.endsWith(".unfinished"))).toEqual([]);
  }, 60_000);
});

test("a server without its tools is told what to install", async () => {
  await expect(findTools(99, dirname(process.execPath))).rejects.toThrow("postgresql-99");
});

test("gaps in the log are found, also where the names carry over", () => {
  expect(segmentAt("0/3000028", 1)).toBe("000000010000000000000003");
  expect(segmentAt("1A/FF000000", 2)).toBe("000000020000001A000000FF");
  const carried = [
    "000000010000000000000FE".replace("FE", "0FE"),
    "0000000100000000000000FF",
    "000000010000000100000000",
  ];
  requireUnbroken(["0000000100000000000000FE", ...carried.slice(1)], "0000000100000000000000FE");
  expect(() =>
    requireUnbroken(["0000000100000000000000FE", "000000010000000100000000"], "0000000100000000000000FE"),
  ).toThrow("0000000100000000000000FF is missing");
});

test("tables that differ are named with how they do", () => {
  const before = { a: { rows: 1, hash: "1" }, b: { rows: 1, hash: "1" }, c: { rows: 1, hash: "1" } };
  const after = { a: { rows: 2, hash: "1" }, b: { rows: 1, hash: "2" }, d: { rows: 0, hash: "0" } };
  expect(differencesOf(before, after)).toEqual([
    "a has 2 rows instead of 1",
    "b has other rows",
    "c is missing",
    "d is there and was not",
  ]);
});
