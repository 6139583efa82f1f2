import { statement } from "@millrace/db";
import { expect, inject, test } from "vitest";
import { createTestDatabase } from "./test-database.ts";

test("x", async () => {
  const t = performance.now();
  await using a = await createTestDatabase();
  console.log(performance.now() - t);
  const t2 = performance.now();
  const all = await Promise.all(Array.from({ length: 8 }, () => createTestDatabase()));
  console.log(performance.now() - t2);
  await Promise.all(all.map((d) => d[Symbol.asyncDispose]()));
  console.log(performance.now() - t2);
  console.log(inject("testServers"), process.version);
});
