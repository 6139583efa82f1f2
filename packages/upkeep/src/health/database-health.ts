import { type Db, identifier, sqlStateOf } from "@millrace/db";
import { growthOf, growthPerDay } from "../samples/rates.ts";
import { samplesSince, spreadSamples } from "../samples/sample.ts";
import { checked, type HealthCheck, skipped, type Threshold } from "./check.ts";
import { healthStatements as sql } from "./health-statements.ts";
import { partitionHorizon } from "./partition-horizon.ts";

export interface DatabaseHealthOptions {
  readonly partitionedTable: string;
  /** What the disk of the database holds, if that is known; without it growth is told and no end of it. */
  readonly diskBytes?: number | undefined;
  readonly now?: () => Date;
}

/** Thresholds as the well-known tools have them: pgMonitor, check_postgres, pganalyze. */
const thresholds = {
  connections: {
    unit: "share",
    warning: 0.75,
    critical: 0.9,
    advice: "Lower DATABASE_POOL_MAX of the apps, put PgBouncer in between, or raise max_connections",
  },
  idle_in_transaction: {
    unit: "seconds",
    warning: 300,
    critical: 900,
    advice: "A client keeps a transaction open without using it; end it with pg_terminate_backend and mend the client",
  },
  long_transactions: {
    unit: "seconds",
    warning: 1_800,
    critical: 3_600,
    advice: "Vacuum cannot clean up behind it; see whether it is meant, or end it",
  },
  blocked: {
    unit: "count",
    warning: 3,
    critical: 20,
    advice: "End the session at the root, or wait for it; the tree says who waits for whom",
  },
  wraparound: {
    unit: "transactions",
    warning: 1_000_000_000,
    critical: 1_600_000_000,
    advice: "Autovacuum does not keep up: end what holds the oldest xmin, then VACUUM (FREEZE) the tables named here",
  },
  multixact_wraparound: {
    unit: "transactions",
    warning: 1_000_000_000,
    critical: 1_600_000_000,
    advice: "VACUUM (FREEZE) the tables with the oldest multixacts",
  },
  dead_rows: {
    unit: "share",
    warning: 0.2,
    critical: 0.5,
    advice: "Look at what holds the oldest xmin; else lower autovacuum_vacuum_scale_factor of these tables",
  },
  xmin_horizon: {
    unit: "transactions",
    warning: 1_000_000,
    critical: 100_000_000,
    advice: "Vacuum cannot remove what is dead since then; end the session, drop the slot or the prepared transaction",
  },
  replication_lag: {
    unit: "bytes",
    warning: 100 * 1_024 ** 2,
    critical: 1_024 ** 3,
    advice: "The standby does not keep up: look at its disk and network, and at queries there that hold up replay",
  },
  replication_slots: {
    unit: "bytes",
    warning: 1_024 ** 3,
    critical: 10 * 1_024 ** 3,
    advice: "The slot keeps WAL that nobody fetches; drop it or start its consumer, and set max_slot_wal_keep_size",
  },
  sequences: {
    unit: "share",
    warning: 0.75,
    critical: 0.9,
    advice: "The sequence runs out of numbers: make its column a bigint",
  },
  checksum_failures: {
    unit: "count",
    warning: 1,
    critical: 1,
    advice: "The disk gives back other bytes than were written: restore from a backup, on other hardware",
  },
  buffer_hits: {
    unit: "share",
    warning: 0.98,
    critical: 0.9,
    isLowBad: true,
    advice: "More is read from disk than shared_buffers can hold; see /database/query-analysis for who reads most",
  },
  rollbacks: {
    unit: "share",
    warning: 0.1,
    critical: 0.5,
    advice: "Many transactions fail: see the errors by SQLSTATE in /database/query-analysis",
  },
  partition_horizon: {
    unit: "months",
    warning: 1,
    critical: 0,
    isLowBad: true,
    advice: "Start a worker: it makes the coming months' partitions each hour; see /database/maintenance",
  },
  disk: {
    unit: "days",
    warning: 30,
    critical: 7,
    isLowBad: true,
    advice: "The disk will be full: set PARTITION_RETENTION_DAYS or _BYTES, or give it more",
  },
} as const satisfies Record<string, Omit<Threshold, "id">>;

type CheckId = keyof typeof thresholds;

/** How the database is, check by check. What may not be looked at is skipped, and says so. */
export async function databaseHealth(db: Db, options: DatabaseHealthOptions): Promise<HealthCheck[]> {
  const { partitionedTable, diskBytes, now = () => new Date() } = options;
  const at = now();
  const recent = await samplesSince(db, new Date(at.getTime() - 15 * 60_000));

  const [sight] = await db.rows(sql.sight, []);
  /** What is seen and bad is bad; where not all is seen, nothing bad means nothing. */
  const ofOthers = (found: HealthCheck): HealthCheck =>
    sight?.sees_all === true || found.status !== "ok"
      ? found
      : {
          ...found,
          status: "skipped",
          value: null,
          advice: `Only what ${sight?.role} does itself is seen: GRANT pg_monitor TO ${identifier(sight?.role ?? "")}`,
        };

  const worst = async (
    id: CheckId,
    read: () => Promise<readonly { readonly value: number }[]>,
  ): Promise<HealthCheck> => {
    const rows = await read();
    return check(id, Math.max(0, ...rows.map(({ value }) => value)), rows);
  };
  const one = (id: CheckId, make: () => Promise<HealthCheck>): Promise<HealthCheck> =>
    make().catch((error: unknown) => {
      if (sqlStateOf(error) === undefined) throw error;
      return skipped({ id, ...thresholds[id] }, error instanceof Error ? error.message : String(error));
    });

  const checks: readonly (readonly [CheckId, () => Promise<HealthCheck>])[] = [
    ["connections", () => worst("connections", () => db.rows(sql.connections, []))],
    [
      "idle_in_transaction",
      async () => ofOthers(await worst("idle_in_transaction", () => db.rows(sql.idleInTransaction, []))),
    ],
    [
      "long_transactions",
      async () => ofOthers(await worst("long_transactions", () => db.rows(sql.longTransactions, []))),
    ],
    [
      "blocked",
      async () => {
        const tree = await db.rows(sql.blockingTree, []);
        return ofOthers(check("blocked", tree.filter(({ depth }) => depth > 0).length, tree));
      },
    ],
    ["wraparound", () => worst("wraparound", () => db.rows(sql.oldestXids, []))],
    ["multixact_wraparound", () => worst("multixact_wraparound", () => db.rows(sql.oldestMultixacts, []))],
    ["dead_rows", () => worst("dead_rows", () => db.rows(sql.deadRows, []))],
    ["xmin_horizon", async () => ofOthers(await worst("xmin_horizon", () => db.rows(sql.xminHolders, [])))],
    ["replication_lag", async () => ofOthers(await worst("replication_lag", () => db.rows(sql.replicationLag, [])))],
    ["replication_slots", async () => slotsCheck(await db.rows(sql.slots, []))],
    ["sequences", () => worst("sequences", () => db.rows(sql.sequences, []))],
    [
      "checksum_failures",
      async () =>
        sight?.checksums === false
          ? skipped({ id: "checksum_failures", ...thresholds.checksum_failures }, withoutChecksums)
          : await worst("checksum_failures", () => db.rows(sql.checksumFailures, [])),
    ],
    ["buffer_hits", async () => check("buffer_hits", hitShareOf(recent))],
    ["rollbacks", async () => check("rollbacks", rollbackShareOf(recent))],
    ["partition_horizon", async () => check("partition_horizon", await partitionHorizon(db, partitionedTable, at))],
    ["disk", () => diskCheck(db, diskBytes, at)],
  ];
  const results: HealthCheck[] = [];
  // One after the other, on one connection's worth of load.
  for (const [id, make] of checks) results.push(await one(id, make));
  return results;
}

/** The whole as one word: as bad as its worst check. */
export function worstOf(checks: readonly HealthCheck[]): "ok" | "warning" | "critical" {
  if (checks.some(({ status }) => status === "critical")) return "critical";
  return checks.some(({ status }) => status === "warning") ? "warning" : "ok";
}

function check(id: CheckId, value: number | undefined, evidence: HealthCheck["evidence"] = []): HealthCheck {
  return checked({ id, ...thresholds[id] }, value, evidence.slice(0, 20));
}

const withoutChecksums = "The server keeps no checksums: turn them on with pg_checksums --enable while it is stopped";

/** Of a slot that is lost nothing is kept any more, which looks like one that is up to date. */
function slotsCheck(slots: readonly { readonly value: number; readonly wal_status: string | null }[]): HealthCheck {
  const found = check("replication_slots", Math.max(0, ...slots.map(({ value }) => value)), slots);
  if (!slots.some(({ wal_status }) => wal_status === "lost")) return found;
  const advice = "A slot's WAL is gone, and its consumer has to be set up anew; drop the slot";
  return { ...found, status: "critical", advice };
}

/** Of few blocks a share says nothing. */
function hitShareOf(samples: Parameters<typeof growthOf>[0]): number | undefined {
  const [hit, read] = [growthOf(samples, "blocks_hit_total"), growthOf(samples, "blocks_read_total")];
  return hit + read < 100_000 ? undefined : hit / (hit + read);
}

function rollbackShareOf(samples: Parameters<typeof growthOf>[0]): number | undefined {
  const [commits, rollbacks] = [growthOf(samples, "commits_total"), growthOf(samples, "rollbacks_total")];
  return commits + rollbacks < 1_000 ? undefined : rollbacks / (commits + rollbacks);
}

/** For how many coming months, one after the other, there are partitions; -1 when this month has none. */
async function diskCheck(db: Db, diskBytes: number | undefined, at: Date): Promise<HealthCheck> {
  const samples = await spreadSamples(db, new Date(at.getTime() - 14 * 86_400_000), 200);
  const perDay = growthPerDay(samples);
  const bytes = samples.at(-1)?.sample.database_bytes;
  const evidence = [{ database_bytes: bytes ?? null, bytes_per_day: perDay ?? null, disk_bytes: diskBytes ?? null }];
  if (perDay === undefined || bytes === undefined) return check("disk", undefined, evidence);
  if (diskBytes === undefined) {
    const why = "DATABASE_DISK_BYTES is not set, so that nobody knows where growth ends";
    return { ...skipped({ id: "disk", ...thresholds.disk }, why), evidence };
  }
  const days = perDay <= 0 ? 36_500 : Math.max(0, (diskBytes - bytes) / perDay);
  return check("disk", Math.min(36_500, days), evidence);
}
