import type { Statement } from "@millrace/db";
import { createTestDatabase, type TestDatabase } from "@millrace/embedded/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  balanceStatements,
  blockStatements,
  newest,
  nonceStatements,
  oldest,
  reportStatements,
  sessionStatements,
  userStatements,
  writeStatements,
} from "./index.ts";
import { readIndexes, servedStatement } from "./testing/catalog.ts";
import { planOf } from "./testing/plan.ts";
import { seed, seededAddress, seededId } from "./testing/seed.ts";

const hour = 3_600_000;
const ago = (hours: number): Date => new Date(Date.now() - hours * hour);
const [one, other] = [seededAddress(3), seededAddress(4)];
const firstPage = [newest.time, newest.id, 50] as const;

/** Values an ordinary request would send. */
const samples = new Map<Statement<never, unknown>, readonly unknown[]>([
  [userStatements.getByAddress, [one]],
  [userStatements.searchByName, ["ab1", "", "", 20]],
  [userStatements.listNewest, [newest.time, newest.address, 50]],
  [userStatements.listRecentlySeen, [newest.time, newest.address, 50]],
  [sessionStatements.getById, [seededId(5)]],
  [sessionStatements.listByAAddr, [one, ...firstPage]],
  [sessionStatements.listByBAddr, [one, ...firstPage]],
  [sessionStatements.listByPair, [one, other, ...firstPage]],
  [sessionStatements.findOpenByPair, [one, other]],
  [sessionStatements.listActiveByAAddr, [one]],
  [sessionStatements.listActiveByBAddr, [one]],
  [sessionStatements.listRingingByBAddr, [one]],
  [sessionStatements.listRecent, firstPage],
  [sessionStatements.listByState, ["active", ...firstPage]],
  [sessionStatements.listReported, firstPage],
  [sessionStatements.listEndedBetween, [ago(72), ago(48), ...firstPage]],
  [sessionStatements.listLongest, [Infinity, newest.id, 50]],
  [sessionStatements.talkTimeByDay, [ago(24 * 14), ago(24 * 7)]],
  [sessionStatements.endExpired, [50]],
  [reportStatements.getById, [seededId(5)]],
  [reportStatements.listBySession, [seededId(5)]],
  [reportStatements.listByReporter, [one, ...firstPage]],
  [reportStatements.listByReported, [one, ...firstPage]],
  [reportStatements.listByStatus, ["reviewing", ...firstPage]],
  [reportStatements.listPending, [oldest.time, oldest.id, 50]],
  [reportStatements.countBetween, [ago(24 * 14), ago(24 * 7)]],
  [reportStatements.timeToCloseBetween, [ago(24 * 14), ago(24 * 7)]],
  [blockStatements.isBlocked, [one, other]],
  [blockStatements.isBlockedEitherWay, [one, other]],
  [blockStatements.listByBlocker, [one, newest.time, newest.address, 50]],
  [blockStatements.listByBlocked, [one, newest.time, newest.address, 50]],
  [blockStatements.listRecent, [newest.time, newest.address, newest.address, 50]],
  [blockStatements.deleteExpired, [50]],
  [balanceStatements.listByAddress, [one]],
  [nonceStatements.consume, [Buffer.alloc(32), one]],
  [nonceStatements.countIssuedSince, [one, ago(0.5)]],
  [nonceStatements.deleteExpired, [ago(0.5), 50]],
  [writeStatements.getById, [seededId(5)]],
  [writeStatements.deleteFinished, [ago(24), 50]],
]);

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await seed(database.db);
}, 120_000);
afterAll(() => database[Symbol.asyncDispose]());

const domainTables = ["users", "sessions", "reports", "blocks", "balances", "nonces", "writes"];

test("every index of the domain's tables names a statement of the domain, and each a different one", async () => {
  const indexes = (await readIndexes(database.db)).filter(({ table }) => domainTables.includes(table));
  expect(indexes.map(servedStatement).sort()).toEqual([...samples.keys()].map(({ name }) => name).sort());
});

test.each([...samples].map(([statement, params]) => ({ name: statement.name, statement, params })))(
  "the planner answers $name through the index made for it",
  async ({ name, statement, params }) => {
    const indexes = (await readIndexes(database.db)).filter((index) => servedStatement(index) === name);
    const plan = await planOf(database.db, statement, params);
    expect(plan.indexes).toEqual(expect.arrayContaining(indexes.map((index) => index.name)));
    expect(plan.nodeTypes).not.toContain("Seq Scan");
  },
);

test("a list comes in the order of its index, or sorts no more rows than fit on its page", async () => {
  const lists = [...samples].filter(([{ name }]) => /\.(list|search)_/.test(name));
  for (const [statement, params] of lists) {
    const { sortedRows } = await planOf(database.db, statement, params);
    expect(sortedRows, statement.name).toBeLessThanOrEqual(50);
  }
});

test("figures over a time are read from their index alone", async () => {
  for (const statement of [
    sessionStatements.talkTimeByDay,
    reportStatements.countBetween,
    reportStatements.timeToCloseBetween,
  ]) {
    const { nodeTypes } = await planOf(database.db, statement, samples.get(statement) ?? []);
    expect(nodeTypes, statement.name).toContain("Index Only Scan");
  }
});
