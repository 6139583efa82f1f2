import { hash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { createMonthlyPartition, statement } from "@millrace/db";
import { createServerFolder, createTestDatabase } from "@millrace/embedded/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../upkeep/run-command.ts";

const months = ["2026-06", "2026-07", "2026-08"];
const addRows = statement<[time: string], never>(
  "test.add_rows",
  `INSERT INTO telemetry_events (id, source, type, time, data)
   SELECT n::text, 'it''s "x"', 'test', $1::timestamptz + n * interval '1 us', jsonb_build_object('n', n, 'text', E'ü\\n')
     FROM generate_series(1, 3000) AS n`,
);
const hashOf = statement<[], { rows: number; hash: string }>(
  "test.hash_rows",
  "SELECT count(*)::int AS rows, coalesce(sum(hashtextextended(t::text, 0)), 0)::text AS hash FROM telemetry_events AS t",
);
const lock = statement<[], never>("test.lock", "LOCK TABLE telemetry_events_y2026m07 IN SHARE MODE");

let resources: AsyncDisposableStack;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let exportDir: string;

beforeAll(async () => {
  resources = new AsyncDisposableStack();
  database = resources.use(await createTestDatabase());
  exportDir = join(resources.use(await createServerFolder()).path, "exports");
  for (const month of months) {
    await createMonthlyPartition(database.db, "telemetry_events", month);
    await database.db.run(addRows, [`${month}-15T00:00:00Z`]);
  }
});
afterAll(() => resources.disposeAsync());

async function partitions(line: string, environment: Readonly<Record<string, string>> = {}) {
  const base = { DATABASE_URL: database.url, PARTITION_EXPORT_DIR: exportDir, PARTITION_GRACE_DAYS: "0" };
  const { code, out, err } = await runCommand(["partitions", ...line.split(" ")], { ...base, ...environment });
  return { code, out, err, json: <T>(): T => JSON.parse(out) as T }; // what the command says it prints
}
const stateOf = async (month: string) =>
  (await partitions("list --json")).json<{ month: string; state: string }[]>().find((one) => one.month === month)
    ?.state;

test.each([
  ["detach nonsense", 2, '"nonsense" is no month'],
  ["detach 2026-13", 2, '"2026-13" is no month'],
  ["detach '2026-07'", 2, "is no month"],
  [`detach ";DROP`, 2, "is no month"],
  ["detach other_y2026m07", 2, "is no month"],
  ["detach 1999-01", 1, "There is no partition of 1999-01"],
  ["drop 2026-08", 1, "is in use; take it out first"],
  ["detach", 2, "Name one month"],
  ["detach 2026-06 2026-07", 2, "Name one month"],
  ["restore", 2, "Name one file"],
  ["restore /nowhere.ndjson.zst", 1, "has no readable manifest nowhere.json"],
])("partitions %s ends with %d and says: %s", async (line, code, message) => {
  const ended = await partitions(line);
  expect(ended.err).toContain(message);
  expect(ended.err).not.toMatch(/\n +at /);
  expect(ended.code).toBe(code);
});

test("a month that somebody has locked is left, with a word of why, and goes when it is free", async () => {
  await partitions("detach 2026-07");
  await database.db.transaction(async (other) => {
    await other.run(lock, []);
    const { code, err } = await partitions("drop 2026-07 --yes");
    expect(err).toContain("drop 2026-07: somebody else keeps it locked");
    expect(code).toBe(1);
  });
  expect(await stateOf("2026-07")).toBe("detached");
  expect(await partitions("detach 2026-07")).toMatchObject({ code: 1, err: expect.stringContaining("already") });
  const unsure = await partitions("drop 2026-07");
  expect(unsure).toMatchObject({ code: 2, err: expect.stringContaining("--export DIR, or say --yes") });
  expect(await partitions("drop 2026-07 --yes")).toMatchObject({ code: 0 });
  expect(await stateOf("2026-07")).toBeUndefined();
}, 60_000);

test("apply does what plan says; what was exported comes back as it was, and a damaged file does not", async () => {
  const before = await database.db.rows(hashOf, []);
  const policy = { PARTITION_RETENTION_DAYS: String(daysSince("2026-07-01")) };
  const planned = async () =>
    (await partitions("plan --json", policy))
      .json<{ action: string; month: string }[]>()
      .map(({ action, month }) => `${action} ${month}`);
  const applied = async () =>
    (await partitions("apply --json", policy))
      .json<{ action: string; month: string }[]>()
      .map(({ action, month }) => `${action} ${month}`);
  for (const steps of [["detach 2026-06"], ["export 2026-06", "drop 2026-06"], []]) {
    expect(await planned()).toEqual(steps);
    expect(await applied()).toEqual(steps);
  }
  expect(await database.db.rows(hashOf, [])).not.toEqual(before);

  const file = join(exportDir, "telemetry_events_y2026m06.ndjson.zst");
  const whole = await readFile(file);
  const manifest = JSON.parse(await readFile(file.replace(".ndjson.zst", ".json"), "utf8"));
  expect(manifest).toMatchObject({ rows: 3_000, sha256: hash("sha256", whole) });
  const lines = zstdDecompressSync(whole).toString().trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).data.n)).toHaveLength(3_000);

  const damaged = Buffer.from(whole);
  damaged[whole.length >> 1] = (damaged[whole.length >> 1] ?? 0) ^ 1;
  await writeFile(file, damaged);
  const refused = await partitions(`restore ${file}`);
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("its checksum differs") });
  expect(await stateOf("2026-06")).toBeUndefined();

  await writeFile(file, whole);
  expect(await partitions(`restore ${file}`)).toMatchObject({ code: 0, out: "Restored 2026-06: 3000 rows\n" });
  expect(await database.db.rows(hashOf, [])).toEqual(before);
  expect(await partitions(`restore ${file}`)).toMatchObject({ code: 1, err: expect.stringContaining("already") });
}, 60_000);

/** Whole days since then, and half a day less, so that it is longer ago than that. */
function daysSince(time: string): number {
  return Math.floor((Date.now() - Date.parse(time)) / 86_400_000 - 0.5);
}
