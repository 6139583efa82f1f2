import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { newest } from "../page-cursors.ts";
import { seededAddress } from "../testing/seed.ts";
import { blockStatements } from "./block-statements.ts";

const [one, other] = [seededAddress(1), seededAddress(2)];

test("a block holds in its direction, and between the two until it is removed", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await db.run(blockStatements.create, [one, other, "spam", null]);
  expect(await db.rows(blockStatements.isBlocked, [one, other])).toEqual([{ is_blocked: true }]);
  expect(await db.rows(blockStatements.isBlocked, [other, one])).toEqual([{ is_blocked: false }]);
  expect(await db.rows(blockStatements.isBlockedEitherWay, [one, other])).toEqual([{ is_blocked: true }]);
  expect(await db.rows(blockStatements.isBlockedEitherWay, [other, one])).toEqual([{ is_blocked: true }]);
  expect(await db.run(blockStatements.remove, [one, other])).toBe(1);
  expect(await db.run(blockStatements.remove, [one, other])).toBe(0);
  expect(await db.rows(blockStatements.isBlockedEitherWay, [other, one])).toEqual([{ is_blocked: false }]);
});

test("a block whose time is over is no block, before and after its row is deleted", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await db.run(blockStatements.create, [one, other, null, new Date(Date.now() - 1_000)]);
  expect(await db.rows(blockStatements.isBlocked, [one, other])).toEqual([{ is_blocked: false }]);
  expect(await db.rows(blockStatements.listByBlocker, [one, newest.time, newest.address, 9])).toEqual([]);
  expect(await db.rows(blockStatements.listByBlocked, [other, newest.time, newest.address, 9])).toEqual([]);
  expect(await db.run(blockStatements.deleteExpired, [9])).toBe(1);
  expect(await db.run(blockStatements.deleteExpired, [9])).toBe(0);
});

test("blocking again replaces the reason and the time, not the block", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const [first] = await db.rows(blockStatements.create, [one, other, "spam", null]);
  const until = new Date(Date.now() + 60_000);
  const [second] = await db.rows(blockStatements.create, [one, other, "abuse", until]);
  expect(second).toEqual({ ...first, reason: "abuse", expires_at: until });
});
