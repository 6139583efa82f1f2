import { startLoop } from "@millrace/runtime";
import pg from "pg";
import { openPostgres, type Postgres, type PostgresOptions } from "../connect.ts";
import type { Db } from "../db.ts";
import { sqlStateOf } from "../errors.ts";
import { statement } from "../statement.ts";
import { createLogClock } from "./log-clock.ts";
import { bytesAt, type Lsn } from "./lsn.ts";

/** How old what is read may be. */
export interface ReadTolerance {
  /** A replica may lack what was committed so long ago, and no longer ago. */
  readonly maxLagMs: number;
  /** It must have all up to this position, which `token` gave after a write: one reads what one wrote. */
  readonly after?: Lsn | undefined;
}

/** Reads; a replica takes nothing else. */
export type ReadDb = Pick<Db, "rows" | "batches">;

/** Reads that belong together: all go to the same server, unless that fails. */
export interface Reads extends ReadDb {
  /** The position of the server that was read from, which has seen no more than what is before it. */
  position(): Promise<Lsn>;
}

export interface ReplicaState {
  /** Without password. */
  readonly address: string;
  readonly isUsed: boolean;
  readonly lagMs: number | undefined;
  /** Why it is not used; `undefined` while it is. */
  readonly reason: string | undefined;
}

export interface Replicas extends AsyncDisposable {
  /** Reads from a replica that is fresh enough, else from the primary, which is always. */
  read(tolerance: ReadTolerance): Reads;
  /** The position that a read must have reached to see all that was committed before this was called. */
  token(): Promise<Lsn>;
  /** Asks every standby that is used the same, for what each has of its own; one that fails then is left out. */
  askEach<T>(ask: (db: ReadDb) => Promise<T>): Promise<T[]>;
  state(): readonly ReplicaState[];
}

export interface ReplicasOptions {
  readonly primary: Postgres;
  readonly urls: readonly string[];
  /** As for the primary. */
  readonly pool: Omit<PostgresOptions, "url">;
  /** How often each is looked at. Default: 250 ms. */
  readonly probeEveryMs?: number;
}

interface PrimaryProbe {
  readonly position: Lsn;
  readonly system: string;
}

interface ReplicaProbe {
  readonly is_standby: boolean;
  readonly replayed: Lsn | null;
  readonly system: string;
}

const probePrimary = statement<[], PrimaryProbe>(
  "replicas.probe_primary",
  `SELECT pg_current_wal_insert_lsn()::text AS position, system_identifier::text AS system FROM pg_control_system()`,
);
const probeReplica = statement<[], ReplicaProbe>(
  "replicas.probe_replica",
  `SELECT pg_is_in_recovery() AS is_standby, pg_last_wal_replay_lsn()::text AS replayed,
          system_identifier::text AS system FROM pg_control_system()`,
);
const readPosition = statement<[], { position: Lsn }>(
  "replicas.read_position",
  "SELECT pg_current_wal_insert_lsn()::text AS position",
);
const readReplayed = statement<[], { replayed: Lsn | null }>(
  "replicas.read_replayed",
  "SELECT pg_last_wal_replay_lsn()::text AS replayed",
);

interface Replica {
  readonly address: string;
  readonly db: Postgres;
  replayed: bigint;
  /** When it said so, by a clock that never goes back. */
  seenAt: number;
  lagMs: number | undefined;
  reason: string | undefined;
  inUse: number;
}

/**
 * Reads from standbys as far as they are fresh enough. One that does not answer, that lags, that was promoted or that
 * belongs to another cluster is left out, and comes back, by itself; the primary alone must be there.
 */
export function connectReplicas({ primary, urls, pool, probeEveryMs = 250 }: ReplicasOptions): Replicas {
  const clock = createLogClock();
  let system: string | undefined;
  const replicas: Replica[] = urls.map((url) => ({
    address: new URL(url).host,
    db: openPostgres({ ...pool, url, minConnections: 0 }),
    replayed: 0n,
    seenAt: Number.NEGATIVE_INFINITY,
    lagMs: undefined,
    reason: "it was not looked at yet",
    inUse: 0,
  }));

  async function look(replica: Replica): Promise<void> {
    try {
      const [probe] = await replica.db.rows(probeReplica, []);
      if (probe === undefined || probe.replayed === null || !probe.is_standby) {
        replica.reason = "it is no standby";
      } else if (system !== undefined && probe.system !== system) {
        replica.reason = "it is a standby of another cluster";
      } else {
        replica.replayed = bytesAt(probe.replayed);
        replica.seenAt = performance.now();
        replica.lagMs = clock.lagMs(replica.replayed, replica.seenAt);
        replica.reason = undefined;
      }
    } catch (error) {
      replica.reason = `it does not answer: ${error instanceof Error ? error.message : error}`;
    }
  }

  // While the primary does not answer nobody can tell how far behind the others are; what is known grows old.
  const watched = startLoop({
    everyMs: probeEveryMs,
    tick: async () => {
      if (replicas.length === 0) return;
      const [probe] = await primary.rows(probePrimary, []);
      if (probe === undefined) return;
      clock.note(performance.now(), bytesAt(probe.position));
      system = probe.system;
    },
    onError: () => {},
  });
  const loops = replicas.map((replica) =>
    startLoop({ everyMs: probeEveryMs, tick: () => look(replica), onError: () => {} }),
  );

  /** How far behind it may be by now: what it lacked when it was looked at, and all since. */
  function lagNow({ lagMs, seenAt }: Replica): number {
    return (lagMs ?? Number.POSITIVE_INFINITY) + (performance.now() - seenAt);
  }

  async function choose({ maxLagMs, after }: ReadTolerance): Promise<Replica | undefined> {
    const fresh = replicas
      .filter((replica) => replica.reason === undefined && lagNow(replica) <= maxLagMs)
      .sort((one, other) => one.inUse - other.inUse);
    if (after === undefined) return fresh[0];
    const wanted = bytesAt(after);
    const reached = fresh.find(({ replayed }) => replayed >= wanted);
    if (reached !== undefined || fresh[0] === undefined) return reached;
    // It may have come so far since it was looked at.
    const [now] = await fresh[0].db.rows(readReplayed, []);
    if (now === undefined || now.replayed === null) return undefined;
    fresh[0].replayed = bytesAt(now.replayed);
    return fresh[0].replayed >= wanted ? fresh[0] : undefined;
  }

  const chosen = (tolerance: ReadTolerance): Promise<Replica | undefined> => choose(tolerance).catch(() => undefined);
  const leaveOut = (replica: Replica, error: unknown): void => {
    if (sqlStateOf(error) === undefined) {
      replica.reason = `a read failed: ${error instanceof Error ? error.message : error}`;
    }
  };

  function read(tolerance: ReadTolerance): Reads {
    let choice: Promise<Replica | undefined> | undefined;
    const chosenOnce = (): Promise<Replica | undefined> => {
      choice ??= chosen(tolerance);
      return choice;
    };
    const usePrimary = (replica: Replica, error: unknown): void => {
      leaveOut(replica, error);
      choice = Promise.resolve(undefined);
    };
    return {
      async rows(query, params) {
        const replica = await chosenOnce();
        if (replica === undefined) return await primary.rows(query, params);
        replica.inUse += 1;
        try {
          return await replica.db.rows(query, params);
        } catch (error) {
          if (!isOfReplica(error)) throw error;
          usePrimary(replica, error);
          return await primary.rows(query, params);
        } finally {
          replica.inUse -= 1;
        }
      },

      async *batches(query, params, batchRows, long) {
        const replica = await chosenOnce();
        if (replica === undefined) return yield* primary.batches(query, params, batchRows, long);
        let hasBegun = false;
        replica.inUse += 1;
        try {
          for await (const batch of replica.db.batches(query, params, batchRows, long)) {
            hasBegun = true;
            yield batch;
          }
        } catch (error) {
          // Rows that were given already would be given twice.
          if (hasBegun || long?.signal?.aborted === true || !isOfReplica(error)) throw error;
          usePrimary(replica, error);
          yield* primary.batches(query, params, batchRows, long);
        } finally {
          replica.inUse -= 1;
        }
      },

      async position() {
        const replica = await chosenOnce();
        // Whoever goes on from the primary's position misses nothing.
        const [row] = (await replica?.db.rows(readReplayed, []).catch(() => [])) ?? [];
        return row?.replayed ?? (await token());
      },
    };
  }

  async function token(): Promise<Lsn> {
    const [row] = await primary.rows(readPosition, []);
    if (row === undefined) throw new Error("PostgreSQL has no position in its log");
    return row.position;
  }

  return {
    read,
    token,

    async askEach(ask) {
      const used = replicas.filter(({ reason }) => reason === undefined);
      const answers = await Promise.allSettled(used.map(({ db }) => ask(db)));
      return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
    },

    state: () =>
      replicas.map((replica) => ({
        address: replica.address,
        isUsed: replica.reason === undefined,
        lagMs: replica.reason === undefined && Number.isFinite(replica.lagMs) ? replica.lagMs : undefined,
        reason: replica.reason,
      })),

    async [Symbol.asyncDispose]() {
      await Promise.all([watched, ...loops].map((loop) => loop[Symbol.asyncDispose]()));
      await Promise.all(replicas.map(({ db }) => db[Symbol.asyncDispose]()));
    },
  };
}

/**
 * Whether the read may succeed on the primary: the connection is lost, the standby starts or ends, or its replay took
 * away what the read needed (PostgreSQL, 26.4.2: a conflict with recovery).
 */
function isOfReplica(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true;
  return /^(40001|40P01|25006|57P0[1-4]|53\d{3}|08)/.test(error.code ?? "");
}
