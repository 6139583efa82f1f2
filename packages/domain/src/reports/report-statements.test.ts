import type { Db } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { newest, oldest } from "../page-cursors.ts";
import { sessionStatements } from "../sessions/session-statements.ts";
import { apply, inSeconds } from "../testing/apply.ts";
import { seededAddress, seededId } from "../testing/seed.ts";
import { type ReportStatus, reportStatements } from "./report-statements.ts";

const [reporter, reported] = [seededAddress(1), seededAddress(2)];
const file = (db: Db, id: string, category: string, session_id: string | null = null) =>
  apply(db, "reports.create", { id, session_id, reporter, reported, category, details: null, at: inSeconds(0) });
const move = (db: Db, id: string, status: ReportStatus, expected?: string) =>
  apply(db, "reports.set_status", { id, status, at: inSeconds(0) }, expected);
const inAnHour = (): Date => new Date(Date.now() + 3_600_000);
const anHourAgo = (): Date => new Date(Date.now() - 3_600_000);

test("a report marks its session once, and filing it again changes nothing", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await apply(db, "sessions.create", {
    id: seededId(1),
    a_addr: reporter,
    b_addr: reported,
    at: inSeconds(0),
    expires_at: inSeconds(3_600),
  });
  expect(await file(db, seededId(10), "spam", seededId(1))).toMatchObject({
    row: { status: "open", session_id: seededId(1) },
    related: { id: seededId(1), is_reported: true },
  });
  expect(await file(db, seededId(10), "spam", seededId(1))).toMatchObject({ outcome: "exists", row: null });
  expect((await file(db, seededId(11), "spam", seededId(1))).related).toBeNull();
  expect(await file(db, seededId(12), "spam", seededId(99))).toMatchObject({ outcome: "not_found", row: null });
  const marked = await db.rows(sessionStatements.listReported, [newest.time, newest.id, 9]);
  expect(marked).toMatchObject([{ id: seededId(1), version: "2" }]);
  expect(await db.rows(reportStatements.listBySession, [seededId(1)])).toHaveLength(2);
});

test("a report leaves the queue when it is closed and returns when it is opened again", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await file(db, seededId(1), "fraud");
  const pending = () => db.rows(reportStatements.listPending, [oldest.time, oldest.id, 9]);
  expect(await pending()).toHaveLength(1);

  const closed = await move(db, seededId(1), "resolved", "1");
  expect(closed.row?.["resolved_at"]).toEqual(expect.any(String));
  expect(await pending()).toEqual([]);
  expect((await move(db, seededId(1), "dismissed", "1")).outcome).toBe("version_conflict");

  const open = await move(db, seededId(1), "reviewing", "2");
  expect(open.row).toMatchObject({ status: "reviewing", resolved_at: null });
  expect(await pending()).toHaveLength(1);
});

test("statistics count reports by category and status, and say how long the closed ones waited", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  for (const [n, category] of ["spam", "spam", "fraud"].entries()) {
    await file(db, seededId(n), category);
  }
  const none = { closed: "0", mean_seconds: null, p95_seconds: null };
  expect(await db.rows(reportStatements.timeToCloseBetween, [anHourAgo(), inAnHour()])).toEqual([none]);
  await move(db, seededId(0), "dismissed", "1");
  expect(await db.rows(reportStatements.countBetween, [anHourAgo(), inAnHour()])).toEqual([
    { category: "fraud", status: "open", reports: "1" },
    { category: "spam", status: "dismissed", reports: "1" },
    { category: "spam", status: "open", reports: "1" },
  ]);
  const [times] = await db.rows(reportStatements.timeToCloseBetween, [anHourAgo(), inAnHour()]);
  expect(times?.closed).toBe("1");
  expect(times?.mean_seconds).toBe(times?.p95_seconds);
});
