import { execFile } from "node:child_process";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Db, statement } from "@millrace/db";
import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { root } from "../compose/compose-file.ts";
import { runService } from "../compose/service-process.ts";

const key = "millrace-test";

const addLetter = statement<[payload: string], { id: string }>(
  "test.add_letter",
  `INSERT INTO dead_letters (queue, job_name, reason_code, sqlstate, message, payload)
   VALUES ('ingest', 'events.import', 'refused_by_database', '22P05', 'unsupported Unicode escape', $1) RETURNING id`,
);
const listData = statement<[], { data: unknown }>(
  "test.list_data",
  "SELECT data FROM telemetry_events WHERE source = '/dead' ORDER BY id",
);

test("the command lists, shows, redrives, edits and purges what a running API keeps", async () => {
  await using world = await startWorld();
  const { db, run } = world;
  expect(await run("list")).toEqual({ code: 0, out: "There are none.\n", err: "" });
  const ids: string[] = [];
  for (const name of ["a", "b", "c"]) {
    const row = `${name}\t/dead\tt\t\\N\t2026-11-01 12:00:00Z\t{"n": "${name}"}\t\\N\t2026-11-01 12:00:00Z\n`;
    ids.push(...(await db.rows(addLetter, [row])).map(({ id }) => id));
  }
  const [a = "", b = "", c = ""] = ids;
  expect((await run("list")).out.trim().split("\n")).toHaveLength(3);
  expect(JSON.parse((await run("list", "--json", "--limit", "2")).out)).toHaveLength(2);
  expect(JSON.parse((await run("show", a)).out)).toMatchObject({ id: a, sqlstate: "22P05", event: { id: "a" } });

  expect(await run("redrive", a)).toMatchObject({ code: 0, out: "Redriven: 1\n" });
  await writeFile(world.file, JSON.stringify({ type: "t", data: { n: "mended" } }));
  expect(await run("edit", b, "--file", world.file)).toMatchObject({ code: 0, out: "Redriven: 1\n" });
  await expect
    .poll(() => db.rows(listData, []), { timeout: 20_000 })
    .toEqual([{ data: { n: "a" } }, { data: { n: "mended" } }]);

  expect(await run("purge", "--all")).toMatchObject({ code: 2, err: expect.stringContaining("--yes") });
  expect(await run("purge", c)).toMatchObject({ code: 0, out: "Deleted: 1\n" });
  expect(await run("show", c)).toMatchObject({ code: 1, err: expect.stringContaining("404") });
  expect(await run("purge", "--all", "--yes")).toMatchObject({ code: 0, out: "Deleted: 2\n" });
}, 60_000);

test("what the command cannot do is said in one message", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "millrace-letters-"));
  const run = commandOn("http://127.0.0.1:1", folder.path);
  expect(await run("list")).toMatchObject({
    code: 1,
    err: expect.stringMatching(/127\.0\.0\.1:1 does not answer.*--url/),
  });
  expect(await run("redrive")).toMatchObject({ code: 2, err: expect.stringMatching(/ids, or say --all/) });
  expect(await run("explode")).toMatchObject({ code: 2, err: expect.stringMatching(/no command "explode"/) });
  expect(await run("edit", "x")).toMatchObject({ code: 2, err: expect.stringMatching(/--file EVENT\.json/) });
});

async function startWorld() {
  await using parts = new AsyncDisposableStack();
  const database = parts.use(await createTestDatabase());
  const redis = parts.use(await createTestRedis());
  const folder = parts.use(await mkdtempDisposable(join(tmpdir(), "millrace-letters-")));
  const environment = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    QUEUE_PREFIX: redis.prefix,
    LOG_LEVEL: "warn",
  };
  const start = (app: string, others: Record<string, string> = {}) =>
    parts.use(runService({ command: ["node", `apps/${app}/src/main.ts`], environment }, others));
  const [{ url }] = await Promise.all([start("api", { PORT: "0", DEVELOPMENT_KEY: key }).ready, start("worker").ready]);
  const running = parts.move();
  const db: Db = database.db;
  return {
    db,
    file: join(folder.path, "event.json"),
    run: commandOn(url ?? "", folder.path),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function commandOn(url: string, dataDir: string) {
  return (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        ["apps/cli/src/main.ts", "dead-letters", ...args, "--url", url],
        { cwd: root, env: { MILLRACE_KEY: key, DATA_DIR: dataDir } },
        (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }),
      );
    });
}
