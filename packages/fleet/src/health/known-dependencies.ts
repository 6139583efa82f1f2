import { type Postgres, type QueryEvent, queryEvents, type ReplicaState, statement } from "@millrace/db";
import type { Queues } from "@millrace/jobs";
import type { Dependency, DependencyState } from "./dependency.ts";

const readVersion = statement<[], { version: string; is_standby: boolean }>(
  "health.read_version",
  "SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS is_standby",
);

/** A statement that succeeded so lately shows that the server answers. */
const recentMs = 2_000;

/** PostgreSQL, by the connections that the process's own work goes over. */
export function postgresDependency(db: Pick<Postgres, "rows" | "poolCounts">): Dependency & Disposable {
  let answeredAt = Number.NEGATIVE_INFINITY;
  const onQuery = (message: unknown): void => {
    const { error } = message as QueryEvent; // the channel carries nothing else
    if (error === undefined) answeredAt = performance.now();
  };
  queryEvents.subscribe(onQuery);
  return {
    name: "postgresql",
    isNeeded: true,
    async ask() {
      try {
        const [row] = await db.rows(readVersion, []);
        if (row === undefined) throw new Error("it gives no version");
        const version = row.version.split(" ", 1)[0] ?? row.version;
        return row.is_standby
          ? { version, isDegraded: true, detail: "it is a standby, which takes no writes" }
          : { version };
      } catch (error) {
        const { max, total, idle } = db.poolCounts();
        if (total - idle < max || performance.now() - answeredAt > recentMs) throw error;
        return { isDegraded: true, detail: `all ${max} connections are in use, and this one had to wait too long` };
      }
    },
    [Symbol.dispose]: () => {
      queryEvents.unsubscribe(onQuery);
    },
  };
}

/** The queue's Redis; one that may lose what was accepted is degraded. */
export function queueDependency(queues: Pick<Queues, "inspect">): Dependency {
  return {
    name: "queue_redis",
    isNeeded: true,
    async ask() {
      const { settings, dangers } = await queues.inspect();
      const version = [...new Set(settings.map((node) => node.version))].join(", ");
      return dangers.length === 0 ? { version } : { version, isDegraded: true, detail: dangers.join("; ") };
    },
  };
}

/** The cache's Redis, without which reads go to the database. */
export function cacheDependency(redis: { inspect(): Promise<{ readonly version: string }> }): Dependency {
  return {
    name: "cache_redis",
    isNeeded: false,
    ask: async () => ({ version: (await redis.inspect()).version }),
  };
}

/** Standbys, as those who read from them see them. */
export function replicaStates(replicas: readonly ReplicaState[]): DependencyState[] {
  return replicas.map(({ address, isUsed, lagMs, reason }) => ({
    name: `replica ${address}`,
    status: isUsed ? "ok" : "degraded",
    latency_ms: null,
    version: null,
    detail: isUsed ? `at most ${Math.round(lagMs ?? 0)} ms behind` : `it is not read from: ${reason}`,
  }));
}
