import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectPostgres, openPostgres, type Postgres, statement } from "@millrace/db";
import { give, serverAccount } from "@millrace/embedded";
import {
  createServerFolder,
  createTestDatabase,
  findServerTools,
  startToolServer,
  type ToolServer,
} from "@millrace/embedded/testing";
import { knownFolder } from "@millrace/upkeep";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BackupError } from "./backup-error.ts";
import { archiveOf, type BackupRecord, listBackups, pathsOf } from "./backup-record.ts";
import { createBackup } from "./create-backup.ts";
import { drillBackup, failuresOf } from "./drill.ts";
import { receiveWal } from "./receive-wal.ts";
import { restoreBackup } from "./restore-backup.ts";
import { differencesOf } from "./table-facts.ts";
import { tellOfBackups } from "./tell-of-backups.ts";
import { findTools } from "./tools.ts";
import { verifyBackup } from "./verify-backup.ts";
import { segmentNames } from "./wal-segments.ts";

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
    expect(backup.tables['public."Calls"']).toMatchObject({ rows: 20_000, hash: expect.stringMatching(/^-?\d+$/) });
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
    await using known = await createTestDatabase();
    expect(await knownFolder(known.db)).toBeUndefined();
    expect(await tellOfBackups(known.db, directory)).toBe(1);
    expect(await knownFolder(known.db)).toMatchObject({
      directory,
      backups: [{ id: backup.id, bytes: backup.bytes, tables: 2, verified_at: expect.any(String), damage: null }],
      drills: [{ backup_id: backup.id, outcome: "sound", rto_ms: result.rtoMs, rpo_ms: result.rpoMs, error: null }],
    });
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
    await using known = await createTestDatabase();
    await tellOfBackups(known.db, copy);
    expect(await knownFolder(known.db)).toMatchObject({
      backups: [{ id: backup.id, damage: expect.stringContaining(path) }],
      drills: [{ outcome: "failed", error: expect.stringContaining(path) }],
    });
    await rm(copy, { recursive: true });
  }, 120_000);

  test("a segment of the log that is missing or damaged is found", async () => {
    const copy = await copyOf("gap");
    const { wal } = pathsOf(copy, backup.id);
    const segment = segmentNames(backup.walSegmentBytes).at(backup.pointLsn, 1);
    const bytes = await readFile(join(wal, segment));
    bytes.fill(0, 0, 8_192);
    await writeFile(join(wal, segment), bytes);
    await expect(verifyBackup({ directory: copy, id: backup.id, searchPath })).rejects.toThrow(BackupError);
    await rm(join(wal, segment));
    await expect(verifyBackup({ directory: copy, id: backup.id, searchPath })).rejects.toThrow(`${segment} is missing`);
    const restoring = restoreBackup({
      directory: copy,
      id: backup.id,
      into: join(folder, "gap-restored"),
      searchPath,
    });
    await expect(restoring).rejects.toThrow(`${segment} is missing`);
    const drill = await drillBackup({ directory: copy, searchPath });
    expect(drill).toMatchObject({ isOk: false, rtoMs: null, rpoMs: null });
    expect(failuresOf(drill)).toContain(`restore: The log's segment ${segment} is missing`);
    await rm(copy, { recursive: true });
  }, 120_000);

  test("writers at work do not make the figures differ from what is restored", async () => {
    await db.run(command("CREATE TABLE busy (id bigint GENERATED ALWAYS AS IDENTITY, n int)"), []);
    const insert = command("INSERT INTO busy (n) SELECT generate_series(1, 5)");
    const change = command("UPDATE busy SET n = n + 1 WHERE id % 7 = 0");
    const table = command("CREATE TABLE passing AS SELECT 1 AS n");
    const drop = command("DROP TABLE IF EXISTS passing");
    const stop = new AbortController();
    const write = async (writer: number): Promise<void> => {
      while (!stop.signal.aborted) {
        await db.run(insert, []);
        if (writer === 0) await db.run(change, []);
        if (writer === 1) for (const one of [drop, table]) await db.run(one, []);
      }
    };
    const writing = Promise.all([0, 1, 2, 3, 4].map(write));
    const apart = join(folder, "busy");
    try {
      await createBackup({ url: server.url, db, directory: apart, searchPath });
    } finally {
      stop.abort();
      await writing;
    }
    expect((await drillBackup({ directory: apart, searchPath })).checks).toContainEqual(
      expect.objectContaining({ name: "rows", isOk: true }),
    );
  }, 120_000);

  const timed = join(tmpdir(), `millrace-timed-${process.pid}`);
  afterAll(() => rm(timed, { recursive: true, force: true }));
  const now = statement<[], { at: Date }>("test.now", "SELECT clock_timestamp() AS at");
  const slots = statement<[], { slot_name: string; active: boolean }>(
    "test.slots",
    "SELECT slot_name, active FROM pg_replication_slots",
  );
  const switchLog = statement<[], { name: string }>("test.switch", "SELECT pg_walfile_name(pg_switch_wal()) AS name");

  /** Receives the log until what `work` did is there as far as the server wrote it. */
  async function whileReceiving(
    from: ToolServer,
    writer: Postgres,
    timeline: number,
    work: () => Promise<void>,
  ): Promise<void> {
    const directory = timed;
    const stop = new AbortController();
    const receiving = receiveWal({
      db: writer,
      url: from.url,
      directory,
      searchPath,
      signal: stop.signal,
      onLine: () => {},
    });
    await expect.poll(() => writer.rows(slots, []), { timeout: 10_000 }).toMatchObject([{ active: true }]);
    try {
      await work();
      const [{ name } = { name: "" }] = await writer.rows(switchLog, []);
      await writer.rows(switchLog, []);
      const archive = archiveOf(directory, backup.systemIdentifier, `0000000${timeline}`);
      await expect.poll(() => readdir(archive), { timeout: 20_000 }).toContain(name);
    } finally {
      stop.abort();
      await receiving;
    }
  }

  async function idsOf(name: string): Promise<number[]> {
    await using restored = await startRestored(name);
    await using reader = openPostgres({ url: restored.url, applicationName: "test", minConnections: 0 });
    const rows = await reader.rows(statement<[], { id: number }>("test.small", "SELECT id FROM small ORDER BY id"), []);
    return rows.map(({ id }) => id);
  }

  async function startRestored(name: string): Promise<ToolServer> {
    await give(await serverAccount("/"), join(folder, name));
    return await startToolServer({
      bin: bin ?? "",
      folder,
      name,
      settings: { hot_standby: "off" },
      make: async () => {},
    });
  }

  test("a restore to a time has what was committed before it, one to the end all; also when a copy goes on", async () => {
    const add = (id: number) => db.run(command(`INSERT INTO small VALUES (${id})`), []);
    await db.run(command("DELETE FROM small"), []);
    let at = new Date(0);
    let mine = backup;
    await whileReceiving(server, db, 1, async () => {
      mine = await createBackup({ url: server.url, db, directory: timed, searchPath });
      await db.rows(switchLog, []);
      await add(100);
      await sleep(20); // so that there is a moment between the two
      at = (await db.rows(now, []))[0]?.at ?? at;
      await sleep(20);
      await db.rows(switchLog, []);
      await add(200);
      await db.rows(switchLog, []);
      await add(201);
    });
    const { id } = mine;
    const directory = timed;
    const archive = archiveOf(directory, backup.systemIdentifier, "00000001");
    const newer = archiveOf(directory, backup.systemIdentifier, "00000002");
    await restoreBackup({ directory, id, into: join(folder, "in-time"), target: at, searchPath });
    await expect(restoreBackup({ directory, id, into: join(folder, "in-time"), searchPath })).rejects.toThrow("is not");
    expect(await idsOf("in-time")).toEqual([100]);
    // What is still being received counts.
    const received = (await readdir(archive)).filter((name) => /^[0-9A-F]{24}$/.test(name)).sort();
    const newest = join(archive, received.at(-1) ?? "");
    for (const name of await readdir(archive)) if (name.endsWith(".partial")) await rm(join(archive, name));
    await rename(newest, `${newest}.partial`);
    await restoreBackup({ directory, id, into: join(folder, "to-end"), target: "end", searchPath });
    expect(await idsOf("to-end")).toEqual([100, 200, 201]);
    const later = { directory, id, into: join(folder, "later"), target: new Date(Date.now() + 60_000), searchPath };
    await expect(restoreBackup(later)).rejects.toThrow("--to-end");
    expect(await readdir(later.into)).toEqual([]);
    const before = { ...later, target: new Date(0) };
    await expect(restoreBackup(before)).rejects.toThrow("take an earlier one");

    // The copy that was restored to a time goes on as timeline 2, with its log in the same archive.
    {
      await using copy = await startRestored("in-time");
      await using other = await connectPostgres({ url: copy.url, applicationName: "test", queryTimeoutMs: 60_000 });
      await whileReceiving(copy, other, 2, async () => {
        await other.run(command("INSERT INTO small VALUES (300)"), []);
      });
      const second = await createBackup({ url: copy.url, db: other, directory, searchPath });
      expect(second.timeline).toBeGreaterThan(1);
      expect(await drillBackup({ directory, id: second.id, searchPath })).toMatchObject({ isOk: true });
      await rm(pathsOf(directory, second.id).folder, { recursive: true });
    }
    await restoreBackup({ directory, id, into: join(folder, "followed"), target: "end", searchPath });
    expect(await idsOf("followed")).toEqual([100, 300]);

    const own = (await readdir(archive)).filter((name) => name.startsWith("00000001") && name.length === 24).sort();
    await rm(newer, { recursive: true });
    const middle = own.at(-1) ?? "";
    await rm(join(archive, middle));
    await expect(verifyBackup({ directory, id, searchPath })).rejects.toThrow(`${middle} is missing`);
    await restoreBackup({ directory, id, into: join(folder, "own-point"), searchPath });
    await rm(archive, { recursive: true });
  }, 180_000);

  test("an index that does not fit its table, and rows that are others, are found by a drill of whole files", async () => {
    await using other = await startToolServer({
      bin: bin ?? "",
      folder,
      name: "unsound",
      make: (run, dataDir) => run("initdb", ["--pgdata", dataDir, "--username=postgres", "--auth=trust", "--no-sync"]),
    });
    await using owner = await connectPostgres({ url: other.url, applicationName: "test", minConnections: 0 });
    await owner.run(command("CREATE TABLE numbers AS SELECT generate_series(1, 300) AS n"), []);
    await owner.run(command("CREATE INDEX numbers_by_n ON numbers (n)"), []);
    await owner.run(command("CHECKPOINT"), []);
    const apart = join(folder, "unsound-backups");
    const sound = await createBackup({ url: other.url, db: owner, directory: apart, searchPath });
    const recorded = join(pathsOf(apart, sound.id).folder, "millrace-backup.json");
    const before = await readFile(recorded, "utf8");
    const tables = { "public.numbers": { rows: 300, hash: "7" } };
    await writeFile(recorded, JSON.stringify({ ...JSON.parse(before), tables }));
    const failedOf = async (from: string) =>
      (await drillBackup({ directory: from, searchPath })).checks.filter(({ isOk }) => !isOk);
    expect(await failedOf(apart)).toEqual([{ name: "rows", isOk: false, detail: "public.numbers has other rows" }]);
    await writeFile(recorded, before);
    expect(await failedOf(apart)).toEqual([]);

    const [{ path } = { path: "" }] = await owner.rows(
      statement<[], { path: string }>("test.path", "SELECT pg_relation_filepath('numbers_by_n') AS path"),
      [],
    );
    await other.stop();
    // The first entry of the first leaf is at its end: its key, which is 1, becomes 255.
    const bytes = await readFile(join(other.dataDir, path));
    bytes[8_192 + 8_160 + 8] = 255;
    await writeFile(join(other.dataDir, path), bytes);
    await other.start();
    const later = join(folder, "unsound-later");
    await createBackup({ url: other.url, db: owner, directory: later, searchPath });
    expect(await failedOf(later)).toMatchObject([{ name: "amcheck", detail: expect.stringContaining("numbers_by_n") }]);
  }, 120_000);

  test("the settings of the original do nothing in a drill, and its password is in no list of processes", async () => {
    const marker = join(folder, "archived");
    const secret = "not-for-others";
    const auth = ["--auth-host=scram-sha-256", "--auth-local=trust", "--pwfile", join(folder, "password")];
    await writeFile(join(folder, "password"), secret, { mode: 0o644 });
    await using other = await startToolServer({
      bin: bin ?? "",
      folder,
      name: "other",
      make: (run, dataDir) =>
        run("initdb", ["--pgdata", dataDir, "--username=postgres", "--no-sync", "--wal-segsize=1", ...auth]),
    });
    const url = other.url.replace("postgres@", `postgres:${secret}@`);
    await using owner = await connectPostgres({ url, applicationName: "test", queryTimeoutMs: 60_000 });
    const wanted = {
      archive_mode: "on",
      archive_command: `touch ${marker}`,
      port: String(other.port),
      timezone: "Asia/Kathmandu",
      datestyle: "German",
      recovery_target_name: "of_an_earlier_restore",
      shared_preload_libraries: "there_is_none",
    };
    for (const [name, value] of Object.entries(wanted)) {
      await owner.run(command(`ALTER SYSTEM SET ${name} = '${value}'`), []);
    }
    await owner.run(
      command("CREATE TABLE times AS SELECT now() AS at, 1.5::float8 AS n FROM generate_series(1, 99)"),
      [],
    );
    const commands: string[] = [];
    const looks: Promise<void>[] = [];
    const look = async (): Promise<void> => {
      for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
        commands.push(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
      }
    };
    const apart = join(folder, "others");
    const made = await createBackup({
      url,
      db: owner,
      directory: apart,
      searchPath,
      onProgress: () => looks.push(look()),
    });
    await Promise.all(looks);
    expect(commands.some((line) => line.includes("pg_basebackup"))).toBe(true);
    expect(commands.filter((line) => line.includes(secret))).toEqual([]);
    expect(made.walSegmentBytes).toBe(1_048_576);
    const drill = await drillBackup({ directory: apart, searchPath });
    expect(drill.checks.filter(({ isOk }) => !isOk)).toEqual([]);
    await expect(readFile(marker)).rejects.toThrow("ENOENT");
  }, 120_000);

  test("what was killed leaves no program, no slot, and no folder to the next", async () => {
    const index = new URL("./index.ts", import.meta.url).href;
    const database = import.meta.resolve("@millrace/db");
    const start = (work: string) => {
      const script = `
        import { createBackup, receiveWal } from ${JSON.stringify(index)};
        import { connectPostgres } from ${JSON.stringify(database)};
        const url = ${JSON.stringify(server.url)};
        const db = await connectPostgres({ url, applicationName: "test" });
        const onProgress = () => console.log("working");
        const where = { url, db, directory: ${JSON.stringify(directory)}, searchPath: ${JSON.stringify(searchPath)} };
        await ${work};`;
      return spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    };
    const creating = start("createBackup({ ...where, onProgress })");
    await once(creating.stdout, "data");
    const others = { url: server.url, db, directory, searchPath };
    await expect(createBackup(others)).rejects.toThrow("Another backup of this server is being made");
    creating.kill("SIGKILL");
    await once(creating, "exit");
    const receiving = start("receiveWal({ ...where, onLine: onProgress, signal: new AbortController().signal })");
    await once(receiving.stdout, "data");
    receiving.kill("SIGKILL");
    const left = async () => (await db.rows(slots, [])).map(({ slot_name, active }) => [slot_name, active]);
    await expect.poll(left, { timeout: 20_000 }).toEqual([["millrace_backup", false]]);
    expect((await readdir(directory)).filter((name) => name.endsWith(".unfinished"))).toHaveLength(1);
    const next = await createBackup(others);
    expect((await readdir(directory)).filter((name) => name.endsWith(".unfinished"))).toEqual([]);
    await rm(pathsOf(directory, next.id).folder, { recursive: true });
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

test("tables that differ are named with how they do", () => {
  const before = { a: { rows: 1, hash: "1" }, b: { rows: 1, hash: "1" }, c: { rows: 1, hash: "1" } };
  const after = { a: { rows: 2, hash: "1" }, b: { rows: 1, hash: "2" }, d: { rows: 0, hash: "0" } };
  expect(differencesOf({ a: { rows: 1, hash: null } }, { a: { rows: 1, hash: "1" } })).toEqual([]);
  expect(differencesOf(before, after)).toEqual([
    "a has 2 rows instead of 1",
    "b has other rows",
    "c is missing",
    "d is there and was not",
  ]);
});
