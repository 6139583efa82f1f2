import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { newest } from "../page-cursors.ts";
import { seededAddress, seededId } from "../testing/seed.ts";
import { sessionStatements } from "./session-statements.ts";

const [caller, called] = [seededAddress(1), seededAddress(2)];
const soon = (): Date => new Date(Date.now() + 60_000);
const past = new Date(Date.now() - 1_000);

test("a session rings, is answered, ends, and each step happens once", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const id = seededId(1);
  const create = () => db.rows(sessionStatements.create, [id, caller, called, soon()]);
  expect((await create())[0]).toMatchObject({ state: "created", version: "1", duration_seconds: null });
  expect(await create()).toEqual([]);
  expect(await db.rows(sessionStatements.listRingingByBAddr, [called])).toHaveLength(1);

  expect((await db.rows(sessionStatements.start, [id, soon()]))[0]).toMatchObject({ state: "active", version: "2" });
  expect(await db.rows(sessionStatements.start, [id, soon()])).toEqual([]);
  expect(await db.rows(sessionStatements.listRingingByBAddr, [called])).toEqual([]);
  expect(await db.rows(sessionStatements.listActiveByAAddr, [caller])).toHaveLength(1);
  expect(await db.rows(sessionStatements.listActiveByBAddr, [called])).toHaveLength(1);

  const [ended] = await db.rows(sessionStatements.end, [id, "hung_up"]);
  expect(ended).toMatchObject({ state: "ended", end_reason: "hung_up", version: "3" });
  expect(ended?.duration_seconds).toBeGreaterThanOrEqual(0);
  expect(await db.rows(sessionStatements.end, [id, "hung_up"])).toEqual([]);
  expect(await db.rows(sessionStatements.getById, [id])).toEqual([ended]);
});

test("the calls of a pair are found whoever called and in whichever order it is asked for", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await db.run(sessionStatements.create, [seededId(1), caller, called, soon()]);
  await db.run(sessionStatements.create, [seededId(2), called, caller, soon()]);
  await db.run(sessionStatements.end, [seededId(2), "declined"]);
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
  for (let n = 0; n < 20; n++) await db.run(sessionStatements.create, [seededId(n), caller, called, past]);
  await db.run(sessionStatements.create, [seededId(20), caller, called, soon()]);
  const runs = await Promise.all([1, 2, 3].map(() => db.rows(sessionStatements.endExpired, [10])));
  const rest = await db.rows(sessionStatements.endExpired, [100]);
  const ended = [...runs.flat(), ...rest].map((session) => session.id);
  expect(new Set(ended).size).toBe(20);
  expect(ended).toHaveLength(20);
  expect(await db.rows(sessionStatements.start, [seededId(20), soon()])).toHaveLength(1);
});

test("the figures count calls and seconds on the day they started, in UTC", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await db.run(sessionStatements.create, [seededId(1), caller, called, soon()]);
  await db.run(sessionStatements.start, [seededId(1), soon()]);
  await db.run(sessionStatements.end, [seededId(1), "hung_up"]);
  const [session] = await db.rows(sessionStatements.listLongest, [Number.POSITIVE_INFINITY, newest.id, 9]);
  const day = session?.started_at?.toISOString().slice(0, 10);
  const figures = await db.rows(sessionStatements.talkTimeByDay, [past, soon()]);
  expect(figures).toEqual([{ day, calls: "1", seconds: session?.duration_seconds }]);
});
