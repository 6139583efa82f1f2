import { createHash } from "node:crypto";
import { statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { seededAddress } from "../testing/seed.ts";
import { nonceStatements } from "./nonce-statements.ts";

const address = seededAddress(1);
const hashOf = (nonce: string): Buffer => createHash("sha256").update(nonce).digest();
const letTimePass = statement<[nonceHash: Buffer], never>(
  "test.let_time_pass",
  `UPDATE nonces SET issued_at = issued_at - interval '1 day', expires_at = expires_at - interval '1 day'
    WHERE nonce_hash = $1`,
);
const soon = (): Date => new Date(Date.now() + 60_000);

test("of many that consume a nonce at once, one succeeds", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await db.run(nonceStatements.issue, [hashOf("n"), address, soon()]);
  const consumed = await Promise.all(
    Array.from({ length: 200 }, () => db.run(nonceStatements.consume, [hashOf("n"), address])),
  );
  expect(consumed.filter((count) => count === 1)).toHaveLength(1);
  expect(consumed.filter((count) => count === 0)).toHaveLength(199);
});

test("a nonce is refused to another address, and once its time is over", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await db.run(nonceStatements.issue, [hashOf("n"), address, soon()]);
  expect(await db.run(nonceStatements.consume, [hashOf("n"), seededAddress(2)])).toBe(0);
  expect(await db.run(nonceStatements.consume, [hashOf("unknown"), address])).toBe(0);

  await db.run(nonceStatements.issue, [hashOf("late"), address, soon()]);
  await db.run(letTimePass, [hashOf("late")]);
  expect(await db.run(nonceStatements.consume, [hashOf("late"), address])).toBe(0);
});

test("nonces are counted by address, and deleted after they expired whether used or not", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  for (const nonce of ["a", "b"]) await db.run(nonceStatements.issue, [hashOf(nonce), address, soon()]);
  await db.run(nonceStatements.consume, [hashOf("a"), address]);
  const counted = await db.rows(nonceStatements.countIssuedSince, [address, new Date(Date.now() - 60_000)]);
  expect(counted).toEqual([{ issued: "2" }]);
  expect(await db.run(nonceStatements.deleteExpired, [new Date(), 9])).toBe(0);
  expect(await db.run(nonceStatements.deleteExpired, [new Date(Date.now() + 120_000), 9])).toBe(2);
});
