import type { Db } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { newest } from "../page-cursors.ts";
import { apply, inSeconds } from "../testing/apply.ts";
import { seededAddress } from "../testing/seed.ts";
import { blockStatements } from "./block-statements.ts";

const [one, other] = [seededAddress(1), seededAddress(2)];
const block = (db: Db, reason: string | null, expires_at: string | null) =>
  apply(db, "blocks.create", { blocker: one, blocked: other, reason, at: inSeconds(0), expires_at });

test("a block holds in its direction, and between the two until it is removed", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await block(db, "spam", null);
  expect(await db.rows(blockStatements.isBlocked, [one, other])).toEqual([{ is_blocked: true }]);
  expect(await db.rows(blockStatements.isBlocked, [other, one])).toEqual([{ is_blocked: false }]);
  expect(await db.rows(blockStatements.isBlockedEitherWay, [one, other])).toEqual([{ is_blocked: true }]);
  expect(await db.rows(blockStatements.isBlockedEitherWay, [other, one])).toEqual([{ is_blocked: true }]);
  const remove = () => apply(db, "blocks.remove", { blocker: one, blocked: other });
  expect((await remove()).outcome).toBe("done");
  expect((await remove()).outcome).toBe("not_found");
  expect(await db.rows(blockStatements.isBlockedEitherWay, [other, one])).toEqual([{ is_blocked: false }]);
});

test("a block whose time is over is no block, before and after its row is deleted", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await block(db, null, inSeconds(-1));
  expect(await db.rows(blockStatements.isBlocked, [one, other])).toEqual([{ is_blocked: false }]);
  expect(await db.rows(blockStatements.listByBlocker, [one, newest.time, newest.address, 9])).toEqual([]);
  expect(await db.rows(blockStatements.listByBlocked, [other, newest.time, newest.address, 9])).toEqual([]);
  expect(await db.run(blockStatements.deleteExpired, [9])).toBe(1);
  expect(await db.run(blockStatements.deleteExpired, [9])).toBe(0);
});

test("blocking again replaces the reason and the time, not the block", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const first = await block(db, "spam", null);
  const second = await block(db, "abuse", inSeconds(60));
  expect(second.row).toEqual({ ...first.row, reason: "abuse", expires_at: expect.any(String) });
});
