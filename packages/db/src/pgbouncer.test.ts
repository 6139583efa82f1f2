import { createTestDatabase, findPgbouncer, startPgbouncer } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { connectPostgres } from "./connect.ts";
import { statement } from "./statement.ts";

const add = statement<[n: number], { n: number }>("test.add", "INSERT INTO pooled VALUES ($1) RETURNING n");
const all = statement<[], { n: number }>("test.all", "SELECT n FROM pooled ORDER BY n");
const copy = statement<[], never>("test.copy", "COPY pooled FROM STDIN");

const { program, missing } = await findPgbouncer();

test.skipIf(program === undefined)(
  `all works through PgBouncer in transaction mode${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    if (program === undefined) return;
    await using database = await createTestDatabase();
    await database.db.run(statement<[], never>("test.create", "CREATE TABLE pooled (n int)"), []);
    await using bouncer = await startPgbouncer(program, database.url);
    await using db = await connectPostgres({ url: bouncer.url, applicationName: "test", statementTimeoutMs: 0 });

    const added = await Promise.all(Array.from({ length: 100 }, (_, n) => db.rows(add, [n])));
    expect(added.flat()).toHaveLength(100);
    expect(await db.copyIn(copy, "100\n101\n")).toBe(2);
    const failing = db.transaction(async (tx) => {
      await tx.rows(add, [102]);
      await tx.transaction(async (nested) => void (await nested.rows(add, [103])));
      throw new Error("rolled back");
    });
    await expect(failing).rejects.toThrow("rolled back");
    const batches: number[] = [];
    for await (const batch of db.batches(all, [], 40, { timeoutMs: 5_000 })) batches.push(batch.length);
    expect(batches).toEqual([40, 40, 22]);
    // Settings of a connection would be left to others.
    const settings = statement<[], { timeout: string }>(
      "test.settings",
      "SELECT current_setting('statement_timeout') AS timeout",
    );
    const seen = await Promise.all(Array.from({ length: 20 }, () => db.rows(settings, [])));
    expect(new Set(seen.flat().map(({ timeout }) => timeout))).toEqual(new Set(["0"]));
  },
);
