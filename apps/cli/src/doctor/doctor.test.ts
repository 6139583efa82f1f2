import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey } from "@millrace/access";
import { type Db, migrateDown, statement } from "@millrace/db";
import { startRedis } from "@millrace/embedded";
import {
  createServerFolder,
  createTestDatabase,
  createTestRedis,
  freePort,
  loadTestConfig,
} from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { loadDoctorConfig, loadDoctorNeeds } from "../config.ts";
import { examine } from "./examine.ts";
import type { Finding } from "./finding.ts";

/** Looks with just these variables. */
async function look(env: Readonly<Record<string, string>>, now?: () => number): Promise<Finding[]> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "millrace-doctor-"));
  const config = await loadDoctorConfig({ DATA_DIR: folder.path, PORT: String(await freePort()), ...env });
  return await examine({ ...config, ...loadDoctorNeeds(config.effective) }, now);
}

const found = (findings: readonly Finding[], area: string, name: string): Finding | undefined =>
  findings.find((one) => one.area === area && one.name === name);

const faultsOf = (findings: readonly Finding[]): string[] =>
  findings.filter(({ status }) => status !== "ok").map(({ area, name, status }) => `${status} ${area}: ${name}`);

const command = (db: Db, text: string) => db.run(statement<[], never>("test.command", text), []);

test("servers that are away are told of, and the rest is looked at", async () => {
  const port = await freePort();
  const findings = await look({
    DATABASE_URL: `postgres://me:hidden@127.0.0.1:${port}/mine`,
    REDIS_URL: `redis://:hidden@127.0.0.1:${port}`,
  });
  expect(found(findings, "postgresql", "connection")).toMatchObject({
    status: "fail",
    detail: expect.stringContaining(`127.0.0.1:${port}/mine does not let us in`),
    mend: expect.stringContaining("docs/runbooks/database-down.md"),
  });
  expect(found(findings, "queue", "connection")).toMatchObject({ status: "fail" });
  expect(found(findings, "machine", "Node")).toMatchObject({ status: "ok" });
  expect(found(findings, "configuration", "api")).toMatchObject({ status: "ok" });
  expect(JSON.stringify(findings)).not.toContain("hidden");
});

test("what is wrong in the configuration of either app is named, and values are not shown", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "millrace-doctor-"));
  const rules = join(folder.path, "rules.json");
  await writeFile(rules, '[{ "id": "query_latncy", "fire_at": 1 }]');
  const findings = await look({
    DATABASE_URL: "mysql://me:hidden@localhost/mine",
    REDIS_URL: "redis://127.0.0.1:1",
    INGEST_QUEUES: "0",
    ALERT_RULES: rules,
  });
  const told = findings.filter(({ area }) => area === "configuration").map(({ name, detail }) => `${name}: ${detail}`);
  for (const app of ["api", "worker"]) {
    expect(told).toContainEqual(expect.stringMatching(`^${app}: DATABASE_URL: write a connection string`));
    expect(told).toContainEqual(expect.stringMatching(`^${app}: INGEST_QUEUES: `));
  }
  expect(told).toContainEqual(expect.stringMatching(/^alert rules: .*rules\.json: .*Did you mean "query_latency"/));
  expect(JSON.stringify(findings)).not.toContain("hidden");
});

test("settings, clocks, zones and rooms that are planted wrong are found, each with what mends it", async () => {
  await using database = await createTestDatabase();
  await using redis = await createTestRedis();
  const name = new URL(database.url).pathname.slice(1);
  await command(database.db, `ALTER DATABASE ${name} SET synchronous_commit = off`);
  await command(database.db, `ALTER DATABASE ${name} SET TimeZone = 'Europe/Berlin'`);
  const env = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    QUEUE_PREFIX: redis.prefix,
    DATABASE_POOL_MAX: "700",
  };
  const findings = await look(env, () => Date.now() - 60_000);
  expect(found(findings, "postgresql", "synchronous_commit")).toMatchObject({
    status: "fail",
    detail: expect.stringContaining("off: "),
    mend: expect.stringContaining("synchronous_commit = on"),
  });
  expect(found(findings, "postgresql", "time zone")).toMatchObject({
    status: "warn",
    detail: expect.stringContaining("Europe/Berlin"),
  });
  expect(found(findings, "postgresql", "clock")).toMatchObject({ status: "fail", detail: "ours is 60.0 s behind" });
  expect(found(findings, "queue", "clock")).toMatchObject({ status: "fail", detail: "ours is 60.0 s behind" });
  expect(found(findings, "postgresql", "max_connections")).toMatchObject({
    status: "warn",
    detail: expect.stringMatching(/1 API and 1 worker processes may open 1404; PostgreSQL has room for \d+$/),
    mend: expect.stringMatching(/^Set DATABASE_POOL_MAX to \d+ or less/),
  });
  expect(found(findings, "processes", "workers")).toMatchObject({ status: "warn" });
  expect(found(findings, "schema", "keys")).toMatchObject({ status: "warn", mend: expect.stringContaining("keys") });
  expect(found(findings, "database", "partition_horizon")).toMatchObject({ status: "fail", detail: "-1 months" });

  // The servers of the tests are without it by themselves.
  await command(database.db, `ALTER DATABASE ${name} SET synchronous_commit = on`);
  await command(database.db, `ALTER DATABASE ${name} RESET TimeZone`);
  await createKey(database.db, { name: "one", scopes: ["read"] });
  const mended = await look({ ...env, DATABASE_POOL_MAX: "5" });
  for (const what of ["synchronous_commit", "time zone", "clock", "max_connections"]) {
    expect([what, found(mended, "postgresql", what)?.status]).toEqual([what, "ok"]);
  }
  expect(found(mended, "schema", "keys")).toMatchObject({ status: "ok", detail: "1 are valid" });
  expect(found(mended, "queue", "clock")).toMatchObject({ status: "ok" });
}, 90_000);

test("a migration that is missing is found, and what needs it is not looked at", async () => {
  await using database = await createTestDatabase();
  await using redis = await createTestRedis();
  const directory = join(import.meta.dirname, "../../../../migrations");
  await migrateDown({ url: database.url, directory, acceptDataLoss: true, log: () => {} });
  const findings = await look({ DATABASE_URL: database.url, REDIS_URL: redis.url });
  expect(found(findings, "schema", "migrations")).toMatchObject({
    status: "fail",
    detail: expect.stringMatching(/^\d{4}_\w+ is (pending|reverted)/),
    mend: "npm run migrate -- up",
  });
  expect(findings.filter(({ area }) => area === "database")).toEqual([]);
});

test("a pooler that is away is told of, and the server behind it is looked at", async () => {
  await using database = await createTestDatabase();
  const pooler = `postgres://me:hidden@127.0.0.1:${await freePort()}/mine`;
  const findings = await look({ DATABASE_URL: pooler, DATABASE_DIRECT_URL: database.url });
  expect(found(findings, "postgresql", "pooler")).toMatchObject({
    status: "fail",
    mend: expect.stringContaining("DATABASE_URL"),
  });
  expect(found(findings, "postgresql", "version")).toMatchObject({ status: "ok" });
});

test("a role that lacks rights is told which, and how it gets them", async () => {
  await using database = await createTestDatabase();
  await using redis = await createTestRedis();
  const role = `doctor_${Math.random().toString(36).slice(2, 10)}`;
  await command(database.db, `CREATE ROLE ${role} LOGIN PASSWORD 'doctor'`);
  try {
    await command(database.db, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
    const url = Object.assign(new URL(database.url), { username: role, password: "doctor" }).href;
    const findings = await look({ DATABASE_URL: url, REDIS_URL: redis.url });
    expect(found(findings, "postgresql", "tables")).toMatchObject({
      status: "fail",
      mend: `GRANT CREATE ON SCHEMA public TO ${role};`,
    });
    expect(found(findings, "postgresql", "indexes")).toMatchObject({
      status: "fail",
      mend: expect.stringMatching(/^ALTER TABLE \w+ OWNER TO doctor_/),
    });
    expect(found(findings, "postgresql", "pg_monitor")).toMatchObject({ status: "warn" });
    await command(database.db, `GRANT pg_monitor TO ${role}`);
    await command(database.db, `GRANT CREATE ON SCHEMA public TO ${role}`);
    const granted = await look({ DATABASE_URL: url, REDIS_URL: redis.url });
    expect(found(granted, "postgresql", "pg_monitor")).toMatchObject({ status: "ok" });
    expect(found(granted, "postgresql", "tables")).toMatchObject({ status: "ok" });
  } finally {
    await command(database.db, `DROP OWNED BY ${role}`);
    await command(database.db, `DROP ROLE ${role}`);
  }
}, 90_000);

test("a queue's Redis that may throw events away fails; a cache's that takes nothing new when full is told of", async () => {
  await using folder = await createServerFolder();
  const { searchPath } = loadTestConfig(process.env);
  const start = (name: string, settings: readonly string[]) =>
    startRedis({
      dataDir: join(folder.path, name),
      cacheDir: join(folder.path, "cache"),
      appendOnly: false,
      settings,
      searchPath,
      log: () => {},
    });
  await using queue = await start("queue", ["maxmemory-policy allkeys-lru", "maxmemory 100mb"]);
  await using cache = await start("cache", ["maxmemory-policy noeviction", "maxmemory 100mb"]);
  const findings = await look({ QUEUE_REDIS_URL: queue.url, CACHE_REDIS_URL: cache.url });
  const policies = findings.filter(({ area, name }) => area === "queue" && name === "policy");
  expect(policies.map(({ status, mend }) => [status, mend])).toEqual([
    ["fail", expect.stringContaining("CONFIG SET maxmemory-policy noeviction")],
    ["fail", expect.stringContaining("CONFIG SET appendonly yes")],
  ]);
  expect(found(findings, "cache", "policy")).toMatchObject({
    status: "warn",
    mend: expect.stringContaining("allkeys-lru"),
  });
  const shared = await look({ REDIS_URL: queue.url });
  expect(found(shared, "cache", "connection")).toMatchObject({
    status: "warn",
    detail: expect.stringContaining("same"),
  });
}, 90_000);

test("a port that another program has is told of; one of ours is well", async () => {
  await using parts = new AsyncDisposableStack();
  const other = createSocketServer((socket) => socket.resume().end("220 not HTTP\r\n"));
  const ours = createServer((_request, response) => response.end('{"status":"ok"}'));
  for (const server of [other, ours]) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    parts.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
  }
  parts.defer(() => ours.closeAllConnections());
  const [port, opsPort] = [other, ours].map((server) => String((server.address() as AddressInfo).port)); // both listen
  const findings = await look({ PORT: port ?? "", OPS_PORT: opsPort ?? "" });
  expect(found(findings, "machine", "PORT")).toMatchObject({
    status: "fail",
    mend: expect.stringContaining("ss -ltnp"),
  });
  expect(found(findings, "machine", "OPS_PORT")).toMatchObject({ status: "ok" });
});

test("folders that are not there are told of, and each fault has what mends it", async () => {
  const findings = await look({ BACKUP_DIR: "/nowhere/backups", PARTITION_EXPORT_DIR: "/nowhere/exports" });
  expect(found(findings, "machine", "backups")).toMatchObject({ status: "warn", mend: "mkdir -p /nowhere/backups" });
  expect(found(findings, "machine", "exports")).toMatchObject({ status: "warn" });
  expect(faultsOf(findings)).toContain("fail postgresql: connection");
  for (const { status, mend, name } of findings) expect([name, mend === undefined]).toEqual([name, status === "ok"]);
});
