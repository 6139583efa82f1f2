import { createTestDatabase } from "@millrace/embedded/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { apply, inSeconds } from "../testing/apply.ts";
import { seededAddress } from "../testing/seed.ts";
import { balanceStatements } from "./balance-statements.ts";

test("the newest observation stands, in whatever order and however often observations arrive", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  let asset = 0;
  const observations = fc.array(fc.record({ at: fc.integer({ min: 1, max: 9 }) }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(observations, async (observed) => {
      const key = [seededAddress(1), `asset-${asset++}`] as const;
      const set = (amount: string, observed: Date) =>
        apply(db, "balances.set", { address: key[0], asset: key[1], amount, observed_at: observed.toISOString() });
      for (const { at } of observed) await set(String(at * 100), new Date(at));
      const latest = Math.max(...observed.map(({ at }) => at));
      const [balance] = await db.rows(balanceStatements.get, [...key]);
      expect(balance).toMatchObject({ amount: String(latest * 100), updated_at: new Date(latest) });
    }),
    { numRuns: 50 },
  );
});

test("the largest uint256 keeps every digit", async () => {
  await using database = await createTestDatabase();
  const largest = (2n ** 256n - 1n).toString();
  const balance = { address: seededAddress(1), asset: "wei", amount: largest, observed_at: inSeconds(0) };
  expect((await apply(database.db, "balances.set", balance)).row).toMatchObject({ amount: largest });
  const older = { ...balance, amount: "1", observed_at: inSeconds(-9) };
  const { outcome, row } = await apply(database.db, "balances.set", older);
  expect([outcome, row?.["amount"]]).toEqual(["done", largest]);
});
