import { fileURLToPath } from "node:url";
import { connectPostgres, connectReplicas, migrateUp, statement } from "@millrace/db";
import { createServerFolder, findServerTools, startToolServer } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { findIndexProblems } from "./find-problems.ts";
import { noteIndexes } from "./index-facts.ts";
import { useOnReplicas } from "./replica-use.ts";

const bin = await findServerTools();
const migrations = fileURLToPath(new URL("../../../../migrations", import.meta.url));

test.skipIf(bin === undefined)(
  "an index that only a standby uses is not unused, nor is any while a standby cannot be asked (skipped without tools)",
  async () => {
    await using folder = await createServerFolder();
    const options = { bin: bin ?? "", folder: folder.path };
    await using primary = await startToolServer({ ...options, name: "primary" });
    await migrateUp({ url: primary.url, directory: migrations });
    const pool = { applicationName: "test", minConnections: 0 };
    await using db = await connectPostgres({ ...pool, url: primary.url });
    const command = (text: string) => db.run(statement<[], never>("test.command", text), []);
    await command("CREATE TABLE parts (at date, n int, m int) PARTITION BY RANGE (at)");
    await command("CREATE TABLE parts_old PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')");
    await command("INSERT INTO parts SELECT '2026-01-05', n, n FROM generate_series(1, 20000) AS n");
    await command("CREATE INDEX parts_by_n ON parts (n)");
    await command("CREATE INDEX parts_by_m ON parts (m)");
    await command("ANALYZE");
    await noteIndexes(db);
    const from = ["-h", "127.0.0.1", "-p", String(primary.port), "-U", "postgres", "-R", "-c", "fast", "--no-sync"];
    await using standby = await startToolServer({
      ...options,
      name: "standby",
      settings: { hot_standby: "on" },
      make: (run, dataDir) => run("pg_basebackup", ["-D", dataDir, ...from]),
    });
    await using replicas = connectReplicas({ primary: db, urls: [standby.url], pool, probeEveryMs: 20 });
    const unused = async () => {
      const found = await findIndexProblems(db, {
        minUnusedMs: 1,
        minUnusedBytes: 1,
        onReplicas: await useOnReplicas(replicas),
      });
      return found.flatMap(({ kind, table, index }) => (kind === "unused" && table === "parts" ? index : []));
    };
    await expect.poll(unused, { timeout: 20_000 }).toEqual(["parts_by_m", "parts_by_n"]);
    const byN = statement<[n: number], unknown>("test.by_n", "SELECT * FROM parts WHERE n = $1");
    await replicas.askEach((reader) => reader.rows(byN, [7]));
    await expect.poll(unused, { timeout: 20_000 }).toEqual(["parts_by_m"]);
    await standby.kill();
    await expect.poll(unused, { timeout: 20_000 }).toEqual([]);
  },
  90_000,
);
