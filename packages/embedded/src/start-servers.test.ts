import { fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { connectPostgres, type Postgres, statement } from "@millrace/db";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { type Servers, startServers } from "./start-servers.ts";
import { loadTestConfig } from "./testing/config.ts";
import { createServerFolder } from "./testing/server-folder.ts";

const { searchPath } = loadTestConfig(process.env);

const create = statement<[], never>("testing.create_kept", "CREATE TABLE kept AS SELECT 1 AS n");
const read = statement<[], { n: number }>("testing.read_kept", "SELECT n FROM kept");

test("what was stored is there again at the next start, on the same ports", async () => {
  await using folder = await createServerFolder();
  const first = await start(folder.path);
  await store(first);
  await first[Symbol.asyncDispose]();
  await using second = await start(folder.path);
  expect(second.databaseUrl).toBe(first.databaseUrl);
  expect(second.queueRedisUrl).toBe(first.queueRedisUrl);
  await expectStored(second);
});

test("servers that a killed run left behind are stopped, and nothing stored is lost", async () => {
  await using folder = await createServerFolder();
  const killed = fork(new URL("./testing/killed-run.ts", import.meta.url), [folder.path, searchPath]);
  const [servers] = await once(killed, "message");
  await store(servers);
  const postmaster = await postmasterOf(folder.path);
  killed.kill("SIGKILL");
  await once(killed, "exit");
  await using next = await start(folder.path);
  await expectStored(next);
  expect(await postmasterOf(folder.path)).not.toBe(postmaster);
});

test("a second start on the same data is refused with one sentence that says what to do", async () => {
  await using folder = await createServerFolder();
  await using _first = await start(folder.path);
  await expect(start(folder.path)).rejects.toThrow(/in use by another process.*DATA_DIR=/);
});

test("PostgreSQL that was killed runs again by itself, with everything committed", async () => {
  await using folder = await createServerFolder();
  const lines: string[] = [];
  const { promise: isBack, resolve } = Promise.withResolvers<void>();
  await using servers = await start(folder.path, (line) => {
    lines.push(line);
    if (line === "PostgreSQL is running again") resolve();
  });
  await store(servers);
  process.kill(await postmasterOf(folder.path), "SIGKILL");
  await isBack;
  await expectStored(servers);
  expect(lines).toContain("PostgreSQL ended unexpectedly (killed by SIGKILL); starting it again");
});

test("given servers are taken and none is started", async () => {
  await using folder = await createServerFolder();
  const given = {
    databaseUrl: "postgres://me:secret@db.example:5432/mine",
    queueRedisUrl: "redis://:secret@queue.example:6379",
    cacheRedisUrl: "redis://:secret@cache.example:6379",
  };
  const lines: string[] = [];
  await using servers = await startServers({
    ...given,
    dataDir: folder.path,
    searchPath,
    log: (line) => void lines.push(line),
  });
  expect(servers).toMatchObject(given);
  expect(lines.join("\n")).toMatch(/given: db\.example:5432\/mine[\s\S]*queue\.example:6379[\s\S]*cache\.example:6379/);
  expect(lines.join("\n")).not.toContain("secret");
});

async function start(dataDir: string, log: (line: string) => void = () => {}): Promise<Servers> {
  const none = { databaseUrl: undefined, queueRedisUrl: undefined, cacheRedisUrl: undefined };
  return await startServers({ ...none, dataDir, searchPath, log });
}

async function store({ databaseUrl, queueRedisUrl }: Pick<Servers, "databaseUrl" | "queueRedisUrl">): Promise<void> {
  await using db = await connect(databaseUrl);
  await db.run(create, []);
  const redis = new Redis(queueRedisUrl);
  await redis.set("kept", "yes");
  redis.disconnect();
}

async function expectStored({ databaseUrl, queueRedisUrl }: Servers): Promise<void> {
  await using db = await connect(databaseUrl);
  expect(await db.rows(read, [])).toEqual([{ n: 1 }]);
  const redis = new Redis(queueRedisUrl);
  expect(await redis.get("kept")).toBe("yes");
  redis.disconnect();
}

function connect(url: string): Promise<Postgres> {
  return connectPostgres({ url, applicationName: "millrace test", minConnections: 0, connectTimeoutMs: 30_000 });
}

async function postmasterOf(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, "postgres/postmaster.pid"), "utf8"), 10);
}
