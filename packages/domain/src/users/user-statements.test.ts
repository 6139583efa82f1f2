import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { newest } from "../page-cursors.ts";
import { apply } from "../testing/apply.ts";
import { seededAddress } from "../testing/seed.ts";
import { userStatements } from "./user-statements.ts";

const address = seededAddress(1);

test("an edit based on an old version changes nothing and says so", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const save = (name: string, expected?: string) =>
    apply(db, "users.save", { address, display_name: name, profile: { bio: name } }, expected);
  expect((await save("Ada")).row).toMatchObject({ display_name: "Ada", version: 1 });
  const second = await save("Ada L.", "1");
  expect(second).toMatchObject({
    outcome: "done",
    row: { display_name: "Ada L.", profile: { bio: "Ada L." }, version: 2 },
  });
  expect(await save("Eve", "1")).toMatchObject({ outcome: "version_conflict", row: null });
  expect((await db.rows(userStatements.getByAddress, [address]))[0]).toMatchObject({
    display_name: "Ada L.",
    version: "2",
  });
  const nobody = { address: seededAddress(2), display_name: null, profile: {} };
  expect(await apply(db, "users.save", nobody, "1")).toMatchObject({ outcome: "not_found", row: null });
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
  for (const [n, name] of names.entries()) {
    await apply(db, "users.save", { address: seededAddress(n), display_name: name, profile: {} });
  }

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
    for (let n = 0; n < 7; n++) {
      await apply(tx, "users.save", { address: seededAddress(n), display_name: null, profile: {} });
    }
  });
  const seen: string[] = [];
  let page = await db.rows(userStatements.listNewest, [newest.time, newest.address, 3]);
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    seen.push(...page.map((user) => user.address));
    page = await db.rows(userStatements.listNewest, [last.created_at, last.address, 3]);
  }
  expect(seen.toSorted()).toEqual(Array.from({ length: 7 }, (_, n) => seededAddress(n)).toSorted());
});
