import { createMonthlyPartition, statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { refreshStatistics } from "./stale-statistics.ts";

test("tables that changed much and partitioned ones are looked at again, once", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const command = (text: string) => db.run(statement<[], never>("test.command", text), []);
  await createMonthlyPartition(db, "telemetry_events", "2026-11");
  await command(`CREATE TABLE "Much Changed" AS SELECT n FROM generate_series(1, 30000) AS n`);
  await command("CREATE TABLE little_changed AS SELECT n FROM generate_series(1, 100) AS n");
  await db.rows(statement<[], unknown>("test.flush", "SELECT pg_stat_force_next_flush()::text"), []);
  let asked = 0;
  const first = await refreshStatistics(db, async () => {
    asked += 1;
  });
  expect(first.sort()).toEqual(['"Much Changed"', "telemetry_events"]);
  expect(asked).toBe(2);
  await expect.poll(() => refreshStatistics(db)).toEqual([]);
});
