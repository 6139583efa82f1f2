import { fileURLToPath } from "node:url";
import { createServerFolder, createTestDatabase, findServerTools, startToolServer } from "@millrace/embedded/testing";
import { describe, expect, test } from "vitest";
import { connectPostgres, type Postgres } from "../connect.ts";
import { migrateUp } from "../migrations/migrate.ts";
import { statement } from "../statement.ts";
import { createMonthlyPartition } from "./monthly.ts";

const migrations = fileURLToPath(new URL("../../../../migrations", import.meta.url));
const bin = await findServerTools();
const add = statement<[], never>(
  "test.add_large",
  `INSERT INTO telemetry_events (id, source, type, time, data)
   VALUES ('large', '/s', 't', '2026-11-15T00:00:00Z', jsonb_build_object('text', repeat('millrace ', 2000)))`,
);
const compression = statement<[], { method: string | null }>(
  "test.compression",
  "SELECT pg_column_compression(data) AS method FROM telemetry_events_y2026m11",
);
const hasLz4 = statement<[], { has: boolean }>(
  "test.has_lz4",
  "SELECT 'lz4' = ANY (enumvals) AS has FROM pg_settings WHERE name = 'default_toast_compression'",
);

async function methodOf(db: Postgres): Promise<string | null | undefined> {
  await createMonthlyPartition(db, "telemetry_events", "2026-11");
  await db.run(add, []);
  return (await db.rows(compression, []))[0]?.method;
}

test("large values of a month are compressed as well as the server can", async () => {
  await using database = await createTestDatabase();
  const [{ has } = { has: false }] = await database.db.rows(hasLz4, []);
  expect(await methodOf(database.db)).toBe(has ? "lz4" : "pglz");
});

describe.skipIf(bin === undefined)(
  "with a PostgreSQL of the system (skipped without one in /usr/lib/postgresql)",
  () => {
    test("that has lz4, large values of a month are compressed with it", async () => {
      await using folder = await createServerFolder();
      await using server = await startToolServer({ bin: bin ?? "", folder: folder.path, name: "lz4" });
      await migrateUp({ url: server.url, directory: migrations });
      await using db = await connectPostgres({ url: server.url, applicationName: "test", minConnections: 0 });
      expect(await db.rows(hasLz4, [])).toEqual([{ has: true }]);
      expect(await methodOf(db)).toBe("lz4");
    }, 60_000);
  },
);
