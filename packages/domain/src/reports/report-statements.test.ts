import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { newest, oldest } from "../page-cursors.ts";
import { sessionStatements } from "../sessions/session-statements.ts";
import { seededAddress, seededId } from "../testing/seed.ts";
import { reportStatements } from "./report-statements.ts";

const [reporter, reported] = [seededAddress(1), seededAddress(2)];
const inAnHour = (): Date => new Date(Date.now() + 3_600_000);
const anHourAgo = (): Date => new Date(Date.now() - 3_600_000);

test("a report marks its session once, and filing it again changes nothing", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await db.run(sessionStatements.create, [seededId(1), reporter, reported, inAnHour()]);
  const file = (id: string) =>
    db.rows(reportStatements.create, [id, seededId(1), reporter, reported, "spam", "called all night"]);
  expect((await file(seededId(10)))[0]).toMatchObject({ status: "open", session_id: seededId(1) });
  expect(await file(seededId(10))).toEqual([]);
  await file(seededId(11));
  const marked = await db.rows(sessionStatements.listReported, [newest.time, newest.id, 9]);
  expect(marked).toMatchObject([{ id: seededId(1), version: "2" }]);
  expect(await db.rows(reportStatements.listBySession, [seededId(1)])).toHaveLength(2);
});

test("a report leaves the queue when it is closed and returns when it is opened again", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await db.run(reportStatements.create, [seededId(1), null, reporter, reported, "fraud", null]);
  const pending = () => db.rows(reportStatements.listPending, [oldest.time, oldest.id, 9]);
  expect(await pending()).toHaveLength(1);

  const [closed] = await db.rows(reportStatements.setStatusIfUnchanged, [seededId(1), "resolved", "1"]);
  expect(closed?.resolved_at).toBeInstanceOf(Date);
  expect(await pending()).toEqual([]);
  expect(await db.rows(reportStatements.setStatusIfUnchanged, [seededId(1), "dismissed", "1"])).toEqual([]);

  const [open] = await db.rows(reportStatements.setStatusIfUnchanged, [seededId(1), "reviewing", "2"]);
  expect(open).toMatchObject({ status: "reviewing", resolved_at: null });
  expect(await pending()).toHaveLength(1);
});

test("statistics count reports by category and status, and say how long the closed ones waited", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  for (const [n, category] of ["spam", "spam", "fraud"].entries()) {
    await db.run(reportStatements.create, [seededId(n), null, reporter, reported, category, null]);
  }
  const none = { closed: "0", mean_seconds: null, p95_seconds: null };
  expect(await db.rows(reportStatements.timeToCloseBetween, [anHourAgo(), inAnHour()])).toEqual([none]);
  await db.run(reportStatements.setStatusIfUnchanged, [seededId(0), "dismissed", "1"]);
  expect(await db.rows(reportStatements.countBetween, [anHourAgo(), inAnHour()])).toEqual([
    { category: "fraud", status: "open", reports: "1" },
    { category: "spam", status: "dismissed", reports: "1" },
    { category: "spam", status: "open", reports: "1" },
  ]);
  const [times] = await db.rows(reportStatements.timeToCloseBetween, [anHourAgo(), inAnHour()]);
  expect(times?.closed).toBe("1");
  expect(times?.mean_seconds).toBe(times?.p95_seconds);
});
