import { spawn } from "node:child_process";
import { once } from "node:events";
import { findProgram, freePort } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { type Api, startFleet } from "../domain/fleet.ts";

const { program, missing } = await findProgram("prometheus-postgres-exporter", "/usr/bin/prometheus-postgres-exporter");

async function startExporter(databaseUrl: string) {
  if (program === undefined) throw new Error(missing);
  const port = await freePort();
  const url = new URL(databaseUrl);
  url.searchParams.set("sslmode", "disable");
  const child = spawn(program.file, [`--web.listen-address=127.0.0.1:${port}`], {
    env: { ...program.environment, DATA_SOURCE_NAME: String(url) },
    stdio: "ignore",
  });
  const read = async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  await expect.poll(() => read().catch(() => ""), { timeout: 20_000 }).toContain("pg_up 1");
  return {
    async read(database: string) {
      const text = await read();
      return (name: string): number => {
        const line = text
          .split("\n")
          .find((one) => one.startsWith(`${name}{`) && one.includes(`datname="${database}"`));
        return Number((line ?? text.split("\n").find((one) => one.startsWith(`${name}{`)))?.split(" ").at(-1));
      };
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

test.skipIf(program === undefined)(
  `figures of the database are those of Debian's prometheus-postgres-exporter${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    await using fleet = await startFleet({ apis: 1, workers: 1 });
    const [api] = fleet.apis as [Api];
    await using exporter = await startExporter(fleet.databaseUrl);
    const database = new URL(fleet.databaseUrl).pathname.slice(1);
    // Counters only grow: what we sampled lies between what the exporter said before and after.
    const sampledAt = async () => {
      const last = (await api.call("GET", "/database/metrics?window=1h")).body["last"] as Record<
        string,
        unknown
      > | null;
      return last?.["taken_at"];
    };
    const before = await exporter.read(database);
    const earlier = await sampledAt();
    expect((await api.call("POST", "/database/maintenance/performance.monitor/run")).status).toBe(202);
    await expect.poll(sampledAt, { timeout: 20_000 }).not.toBe(earlier);
    const { body } = await api.call("GET", "/database/metrics?window=1h");
    const last = body["last"] as Record<string, number>;
    const settled = async () => {
      const after = await exporter.read(database);
      const pairs = [
        ["commits_total", "pg_stat_database_xact_commit"],
        ["rollbacks_total", "pg_stat_database_xact_rollback"],
        ["blocks_hit_total", "pg_stat_database_blks_hit"],
        ["blocks_read_total", "pg_stat_database_blks_read"],
        ["rows_inserted_total", "pg_stat_database_tup_inserted"],
        ["rows_updated_total", "pg_stat_database_tup_updated"],
        ["rows_deleted_total", "pg_stat_database_tup_deleted"],
        ["deadlocks_total", "pg_stat_database_deadlocks"],
        ["temp_bytes_total", "pg_stat_database_temp_bytes"],
      ] as const;
      return pairs.map(([ours, theirs]) => {
        const value = last[ours] ?? Number.NaN;
        return [ours, before(theirs) <= value && value <= after(theirs)];
      });
    };
    expect((await settled()).filter(([, isBetween]) => !isBetween)).toEqual([]);
    const now = await exporter.read(database);
    expect(Math.abs((last["database_bytes"] ?? 0) / now("pg_database_size_bytes") - 1)).toBeLessThan(0.05);
    expect(last["connections_max"]).toBe(
      now("pg_settings_max_connections") - now("pg_settings_superuser_reserved_connections"),
    );
  },
  60_000,
);
