import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { connectPostgres, migrateUp, statement } from "@millrace/db";
import { createServerFolder, findServerTools, startToolServer } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { collectServerStatements } from "../statements/server-statements.ts";
import { startStatementMonitor } from "../statements/statement-monitor.ts";
import { readPartitionTree } from "./index-ddl.ts";
import { findMissingForWorkload } from "./workload.ts";

const bin = await findServerTools();
const major = bin === undefined ? "0" : (dirname(bin).split("/").at(-1) ?? "0");
const hasHypopg = await access(`/usr/share/postgresql/${major}/extension/hypopg.control`).then(
  () => true,
  () => false,
);
const migrations = fileURLToPath(new URL("../../../../migrations", import.meta.url));

test.skipIf(!hasHypopg)(
  "where HypoPG is installed the planner judges imagined indexes (skipped where it is not)",
  async () => {
    await using folder = await createServerFolder();
    await using server = await startToolServer({
      bin: bin ?? "",
      folder: folder.path,
      name: "server",
      settings: { shared_preload_libraries: "pg_stat_statements" },
    });
    await migrateUp({ url: server.url, directory: migrations });
    await using db = await connectPostgres({ url: server.url, applicationName: "test", minConnections: 0 });
    const command = (text: string) => db.run(statement<[], never>("test.command", text), []);
    await command("CREATE EXTENSION hypopg");
    await command("CREATE TABLE tall (id int, kind int, note text)");
    await command("INSERT INTO tall SELECT n, n % 2, repeat('x', 50) FROM generate_series(1, 50000) AS n");
    await command("CREATE TABLE parts (id int, tag int, note text) PARTITION BY RANGE (id)");
    await command("CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (25000)");
    await command("CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (25000) TO (60000)");
    await command("INSERT INTO parts SELECT n, n / 3, repeat('x', 50) FROM generate_series(1, 50000) AS n");
    await command("ANALYZE");
    const byId = statement<[id: number], unknown>("test.by_id", "SELECT note FROM tall WHERE id = $1");
    const byKind = statement<[kind: number], unknown>("test.by_kind", "SELECT count(*) FROM tall WHERE kind = $1");
    const byTag = statement<[tag: number], unknown>("test.by_tag", "SELECT note FROM parts WHERE tag = $1");
    const mixedOrder = statement<[], unknown>(
      "test.mixed_order",
      "SELECT id FROM parts ORDER BY note, id DESC LIMIT 5",
    );
    const oneOrder = statement<[], unknown>(
      "test.one_order",
      "SELECT kind FROM tall ORDER BY note DESC, id DESC LIMIT 5",
    );
    await collectServerStatements(db);
    {
      await using _monitor = startStatementMonitor({
        db,
        app: "test",
        process: "test",
        everyMs: 20,
        onError: () => {},
      });
      for (let call = 0; call < 20; call += 1) {
        await db.rows(byId, [7]);
        await db.rows(byKind, [1]);
        await db.rows(byTag, [1]);
        await db.rows(mixedOrder, []);
        await db.rows(oneOrder, []);
      }
      const plans = statement<[], { n: number }>("test.plans", "SELECT count(*)::int AS n FROM statement_plans");
      await expect.poll(async () => (await db.rows(plans, []))[0]?.n).toBeGreaterThanOrEqual(5);
    }
    await collectServerStatements(db);
    const found = await findMissingForWorkload(db, await readPartitionTree(db), new Date(Date.now() - 3_600_000));
    // Half of the table is read faster from end to end.
    expect(found.map(({ id }) => id).sort()).toEqual([
      "missing_by_workload:parts:tag",
      "missing_by_workload:tall:id",
      "missing_by_workload:tall:note,id",
    ]);
    const [ofParts, ofTall, ofOrder] = found.toSorted((one, other) => one.id.localeCompare(other.id));
    expect(ofOrder?.evidence).toMatchObject({ judged_by: "hypopg", statements: ["test.one_order"] });
    expect(ofTall?.evidence).toMatchObject({ judged_by: "hypopg", statements: ["test.by_id"] });
    expect(ofParts?.evidence).toMatchObject({ judged_by: "hypopg", statements: ["test.by_tag"] });
    expect(ofParts?.statements).toHaveLength(5);
    const indexes = statement<[], { n: number }>(
      "test.indexes",
      "SELECT count(*)::int AS n FROM pg_index WHERE indrelid = 'tall'::regclass",
    );
    expect(await db.rows(indexes, [])).toEqual([{ n: 0 }]);
  },
  60_000,
);
