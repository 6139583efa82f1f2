import { createServerFolder, findServerTools, startToolServer, type ToolServer } from "@millrace/embedded/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectPostgres, type Postgres } from "../connect.ts";
import { statement } from "../statement.ts";
import { connectReplicas, type Replicas } from "./connect-replicas.ts";
import { createLogClock } from "./log-clock.ts";
import { bytesAt, isLsn } from "./lsn.ts";

const bin = await findServerTools();
const write = statement<[n: number], never>("test.write", "UPDATE counter SET n = $1");
const read = statement<[], { n: number; standby: boolean }>(
  "test.read",
  "SELECT n, pg_is_in_recovery() AS standby FROM counter",
);

describe.skipIf(bin === undefined)("with a real standby (skipped without pg_basebackup in /usr/lib/postgresql)", () => {
  let resources: AsyncDisposableStack;
  let standby: ToolServer;
  let db: Postgres;
  let replicas: Replicas;

  beforeAll(async () => {
    resources = new AsyncDisposableStack();
    const { path: folder } = resources.use(await createServerFolder());
    const options = { bin: bin ?? "", folder };
    const primary = resources.use(await startToolServer({ ...options, name: "primary" }));
    standby = resources.use(
      await startToolServer({
        ...options,
        name: "standby",
        settings: { recovery_min_apply_delay: "300ms", hot_standby: "on", max_standby_streaming_delay: "100ms" },
        make: (run, dataDir) =>
          run("pg_basebackup", [
            "-h",
            "127.0.0.1",
            "-p",
            String(primary.port),
            "-U",
            "postgres",
            "-D",
            dataDir,
            "-R",
            "-c",
            "fast",
            "--no-sync",
          ]),
      }),
    );
    const pool = { applicationName: "test", minConnections: 0, connectTimeoutMs: 500 };
    db = resources.use(await connectPostgres({ ...pool, url: primary.url }));
    replicas = resources.use(connectReplicas({ primary: db, urls: [standby.url], pool, probeEveryMs: 20 }));
    await db.run(statement<[], never>("test.create", "CREATE TABLE counter (n int)"), []);
    await db.run(statement<[], never>("test.insert", "INSERT INTO counter VALUES (0)"), []);
  }, 60_000);
  afterAll(() => resources.disposeAsync());

  const lax = { maxLagMs: 60_000 };

  test("who reads with the token of what was written reads that or newer, others may read older", async () => {
    await expect.poll(() => replicas.state()[0], { timeout: 10_000 }).toMatchObject({ isUsed: true, lagMs: 0 });
    let stale = 0;
    let onStandby = 0;
    for (let n = 1; n <= 60; n += 1) {
      await db.run(write, [n]);
      const after = await replicas.token();
      const [own] = await replicas.read({ ...lax, after }).rows(read, []);
      expect(own?.n).toBe(n);
      const [any] = await replicas.read(lax).rows(read, []);
      if ((any?.n ?? 0) < n) stale += 1;
      if (any?.standby) onStandby += 1;
    }
    expect(onStandby).toBeGreaterThan(0);
    expect(stale).toBeGreaterThan(0);
    // Once it has replayed all, the token does not keep reads from it.
    const after = await replicas.token();
    await expect
      .poll(async () => (await replicas.read({ ...lax, after }).rows(read, []))[0], { timeout: 10_000 })
      .toEqual({ n: 60, standby: true });
  });

  test("a standby that is too far behind is not read from, and is again when it has caught up", async () => {
    await expect.poll(() => replicas.state()[0]?.lagMs, { timeout: 10_000 }).toBe(0);
    await db.run(write, [100]);
    await expect.poll(() => replicas.state()[0]?.lagMs ?? 0, { interval: 5 }).toBeGreaterThan(100);
    expect(await replicas.read({ maxLagMs: 100 }).rows(read, [])).toEqual([{ n: 100, standby: false }]);
    await expect
      .poll(async () => (await replicas.read({ maxLagMs: 250 }).rows(read, []))[0], { timeout: 10_000 })
      .toEqual({ n: 100, standby: true });
  });

  test("readers notice nothing of a standby that dies, and use it again when it is back", async () => {
    const errors: unknown[] = [];
    let isOver = false;
    const readers = Array.from({ length: 8 }, async () => {
      while (!isOver)
        await replicas
          .read(lax)
          .rows(read, [])
          .catch((error: unknown) => errors.push(error));
    });
    await standby.kill();
    await expect.poll(() => replicas.state()[0]?.isUsed).toBe(false);
    expect(replicas.state()[0]?.reason).toMatch(/./);
    await standby.start();
    await expect.poll(() => replicas.state()[0]?.isUsed, { timeout: 10_000 }).toBe(true);
    isOver = true;
    await Promise.all(readers);
    expect(errors).toEqual([]);
  }, 30_000);

  test("each standby that is used is asked for what it has of its own", async () => {
    await expect.poll(() => replicas.askEach((one) => one.rows(read, []))).toMatchObject([[{ standby: true }]]);
  });

  test("an error of the statement itself is the caller's, not the standby's", async () => {
    const wrong = statement<[], never>("test.wrong", "SELECT 1 / 0");
    await expect(replicas.read(lax).rows(wrong, [])).rejects.toThrow("division by zero");
    expect(replicas.state()[0]?.isUsed).toBe(true);
  });

  test("a standby that was promoted is one no more", async () => {
    await standby.run("pg_ctl", ["promote", "-D", standby.dataDir, "-w"]);
    await expect
      .poll(() => replicas.state()[0], { timeout: 10_000 })
      .toMatchObject({ isUsed: false, reason: "it is no standby" });
    expect(await replicas.read(lax).rows(read, [])).toMatchObject([{ standby: false }]);
  });
});

test("positions compare as the log grows, and nothing else is one", () => {
  expect(bytesAt("0/FFFFFFFF") < bytesAt("1/0")).toBe(true);
  expect(bytesAt("16/B374D848")).toBe(0x16b374d848n);
  expect(["0/0", "16/B374D848", "", "1", "1/", "x/y", "1/0; --"].map(isLsn)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});

test("who lacks nothing does not lag, however long nothing was written", () => {
  const clock = createLogClock();
  clock.note(0, 10n);
  clock.note(1_000, 10n);
  clock.note(2_000, 20n);
  clock.note(6_000, 20n);
  expect([clock.lagMs(20n, 9_000), clock.lagMs(15n, 9_000)]).toEqual([0, 8_000]);
  // Since when it lacks what was there from the beginning nobody knows.
  expect(clock.lagMs(5n, 9_000)).toBe(Number.POSITIVE_INFINITY);
});
