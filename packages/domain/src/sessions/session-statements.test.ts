import type { Db } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { newest } from "../page-cursors.ts";
import { apply, inSeconds } from "../testing/apply.ts";
import { seededAddress, seededId } from "../testing/seed.ts";
import { sessionStatements } from "./session-statements.ts";

const [caller, called] = [seededAddress(1), seededAddress(2)];
const create = (db: Db, id: string, a_addr: string, b_addr: string, seconds: number) =>
  apply(db, "sessions.create", { id, a_addr, b_addr, at: inSeconds(0), expires_at: inSeconds(seconds) });
const start = (db: Db, id: string) => apply(db, "sessions.start", { id, at: inSeconds(0), expires_at: inSeconds(60) });
const end = (db: Db, id: string, reason: string, expected?: string) =>
  apply(db, "sessions.end", { id, at: inSeconds(0), reason }, expected);
const soon = (): Date => new Date(Date.now() + 60_000);
const past = new Date(Date.now() - 1_000);

test("a session rings, is answered, ends, and each step happens once", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const id = seededId(1);
  expect(await create(db, id, caller, called, 60)).toMatchObject({
    outcome: "done",
    row: { state: "created", version: 1, duration_seconds: null },
  });
  expect(await create(db, id, caller, called, 60)).toMatchObject({ outcome: "exists", row: null });
  expect(await db.rows(sessionStatements.listRingingByBAddr, [called])).toHaveLength(1);

  expect((await start(db, id)).row).toMatchObject({ state: "active", version: 2 });
  expect((await start(db, id)).outcome).toBe("wrong_state");
  expect(await db.rows(sessionStatements.listRingingByBAddr, [called])).toEqual([]);
  expect(await db.rows(sessionStatements.listActiveByAAddr, [caller])).toHaveLength(1);
  expect(await db.rows(sessionStatements.listActiveByBAddr, [called])).toHaveLength(1);

  expect(await end(db, id, "hung_up", "2000")).toMatchObject({ outcome: "version_conflict" });
  const ended = await end(db, id, "hung_up");
  expect(ended.row).toMatchObject({ state: "ended", end_reason: "hung_up", version: 3 });
  expect((await end(db, id, "hung_up")).outcome).toBe("wrong_state");
  expect((await end(db, seededId(99), "hung_up")).outcome).toBe("not_found");
  const [session] = await db.rows(sessionStatements.getById, [id]);
  expect(session?.duration_seconds).toBeGreaterThanOrEqual(0);
});

test("the calls of a pair are found whoever called and in whichever order it is asked for", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await create(db, seededId(1), caller, called, 60);
  await create(db, seededId(2), called, caller, 60);
  await end(db, seededId(2), "declined");
  for (const [one, other] of [
    [caller, called],
    [called, caller],
  ] as const) {
    expect(await db.rows(sessionStatements.listByPair, [one, other, newest.time, newest.id, 9])).toHaveLength(2);
    const open = await db.rows(sessionStatements.findOpenByPair, [one, other]);
    expect(open.map((session) => session.id)).toEqual([seededId(1)]);
  }
});

test("sessions whose time is over are ended once, also by processes that do it at once", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  for (let n = 0; n < 20; n++) await create(db, seededId(n), caller, called, -1);
  await create(db, seededId(20), caller, called, 60);
  const runs = await Promise.all([1, 2, 3].map(() => db.rows(sessionStatements.endExpired, [10])));
  const rest = await db.rows(sessionStatements.endExpired, [100]);
  const ended = [...runs.flat(), ...rest].map((session) => session.id);
  expect(new Set(ended).size).toBe(20);
  expect(ended).toHaveLength(20);
  expect((await start(db, seededId(20))).outcome).toBe("done");
});

test("the figures count calls and seconds on the day they started, in UTC", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await create(db, seededId(1), caller, called, 60);
  await start(db, seededId(1));
  await end(db, seededId(1), "hung_up");
  const [session] = await db.rows(sessionStatements.listLongest, [Number.POSITIVE_INFINITY, newest.id, 9]);
  const day = session?.started_at?.toISOString().slice(0, 10);
  const figures = await db.rows(sessionStatements.talkTimeByDay, [past, soon()]);
  expect(figures).toEqual([{ day, calls: "1", seconds: session?.duration_seconds }]);
});

test("nobody can call whom they block, or who blocks them, until the block is over", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const block = (seconds: number | null) =>
    apply(db, "blocks.create", {
      blocker: called,
      blocked: caller,
      reason: null,
      at: inSeconds(0),
      expires_at: seconds === null ? null : inSeconds(seconds),
    });
  await block(null);
  expect(await create(db, seededId(1), caller, called, 60)).toMatchObject({ outcome: "blocked", row: null });
  expect(await create(db, seededId(2), called, caller, 60)).toMatchObject({ outcome: "blocked" });
  await block(-1);
  expect(await create(db, seededId(3), caller, called, 60)).toMatchObject({ outcome: "done" });
});
