import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { newest } from "../page-cursors.ts";
import { seededAddress } from "../testing/seed.ts";
import { userStatements } from "./user-statements.ts";

const address = seededAddress(1);

test("an edit based on an old version changes nothing and says so", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const [first] = await db.rows(userStatements.save, [address, "Ada", "{}"]);
  expect(first).toMatchObject({ display_name: "Ada", version: "1" });
  const [second] = await db.rows(userStatements.saveIfUnchanged, [address, "Ada L.", `{"bio":"x"}`, "1"]);
  expect(second).toMatchObject({ display_name: "Ada L.", profile: { bio: "x" }, version: "2" });
  expect(await db.rows(userStatements.saveIfUnchanged, [address, "Eve", "{}", "1"])).toEqual([]);
  expect(await db.rows(userStatements.getByAddress, [address])).toEqual([second]);
});

test("being seen creates a user once and then writes at most once a minute", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  expect(await db.run(userStatements.see, [address])).toBe(1);
  expect(await db.run(userStatements.see, [address])).toBe(0);
  const [user] = await db.rows(userStatements.getByAddress, [address]);
  expect(user).toMatchObject({ display_name: null, version: "1" });
});

test("a search by the beginning of a name knows no case and no wildcards, and goes on where a page ended", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const names = ["Anna", "annabel", "ANNA", "100% Bob", "1000 Bobs", "Zoe"];
  for (const [n, name] of names.entries()) await db.run(userStatements.save, [seededAddress(n), name, "{}"]);

  const [first, second] = await db.rows(userStatements.searchByName, ["aNNa", "", "", 2]);
  expect([first?.sort_name, second?.sort_name]).toEqual(["anna", "anna"]);
  const rest = await db.rows(userStatements.searchByName, ["aNNa", "anna", second?.address ?? "", 2]);
  expect(rest.map((user) => user.display_name)).toEqual(["annabel"]);
  const literally = await db.rows(userStatements.searchByName, ["100%", "", "", 9]);
  expect(literally.map((user) => user.display_name)).toEqual(["100% Bob"]);
});

test("paging through users created in the same instant shows each once", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  await db.transaction(async (tx) => {
    for (let n = 0; n < 7; n++) await tx.run(userStatements.save, [seededAddress(n), null, "{}"]);
  });
  const seen: string[] = [];
  let page = await db.rows(userStatements.listNewest, [newest.time, newest.address, 3]);
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    seen.push(...page.map((user) => user.address));
    page = await db.rows(userStatements.listNewest, [last.created_at, last.address, 3]);
  }
  expect(seen.toSorted()).toEqual(Array.from({ length: 7 }, (_, n) => seededAddress(n)).toSorted());
});
