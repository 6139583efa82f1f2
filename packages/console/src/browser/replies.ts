/** What the console reads of the API's replies; /docs has all of it. Times are RFC 3339. */

export interface Latency {
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  readonly samples: number;
}

export interface Process {
  readonly id: string;
  readonly app: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly started_at: string;
  readonly seen_at: string;
  readonly rss_bytes: number;
  readonly cpu_share: number | null;
  readonly loop_lag_p99_ms: number | null;
  readonly pool: { readonly max: number; readonly size: number; readonly in_use: number; readonly waiting: number };
  readonly jobs: readonly { readonly name: string; readonly running: number; readonly oldest_ms: number }[];
  readonly rates: { readonly requests: number | null; readonly jobs: number | null; readonly rows: number | null };
}

export interface Queue {
  readonly name: string;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
  readonly paused: boolean;
  readonly oldest_wait_ms: number;
  readonly consumers: number;
}

export interface CacheNamespace {
  readonly namespace: string;
  readonly reads: number;
  readonly hit_share: number | null;
  readonly memory_share: number | null;
  readonly misses: number;
}

export interface Memory {
  readonly used_bytes: number;
  /** null: as much as there is. */
  readonly max_bytes: number | null;
}

type RateName = "accepted" | "rejected" | "committed" | "dead" | "writes" | "requests" | "jobs";

/** One message of `GET /live`. */
export interface Live {
  readonly at: string;
  readonly rates: Readonly<Record<RateName, number | null>>;
  readonly latency: { readonly accept_to_commit: Latency; readonly request: Latency };
  readonly queues: readonly Queue[];
  readonly processes: readonly Process[];
  readonly pool: {
    readonly max: number;
    readonly size: number;
    readonly in_use: number;
    readonly waiting: number;
    readonly wait_p99_ms: number | null;
  };
  readonly cache: readonly CacheNamespace[];
  readonly redis: {
    readonly queue: Memory | null;
    readonly cache: Memory | null;
  };
  readonly database: { readonly answers: boolean; readonly latency_ms: number | null };
  readonly dead_letters: number | null;
}

/** What was in one minute; rates a second. */
export interface Minute {
  readonly at: string;
  readonly accepted: number;
  readonly committed: number;
  readonly accept_to_commit: Latency;
}

export interface LiveHistory {
  /** The oldest first. */
  readonly minutes: readonly Minute[];
}

export interface Session {
  readonly name: string;
  readonly scopes: readonly string[];
}

export interface Alert {
  readonly rule: string;
  readonly severity: string;
  readonly summary: string;
  /** An address. */
  readonly runbook: string;
  readonly state: "ok" | "pending" | "firing" | "unknown";
  readonly since: string | null;
  readonly value: number | null;
  readonly unit: string;
  readonly fire_at: number;
  readonly clear_at: number;
  readonly acknowledged_by: string | null;
  readonly silenced_until: string | null;
  readonly silenced_by: string | null;
  readonly silenced_why: string | null;
}

export interface Alerts {
  /** When somebody looked last. */
  readonly looked_at: string | null;
  readonly alerts: readonly Alert[];
  readonly events: readonly {
    readonly id: string;
    readonly rule: string;
    readonly at: string;
    readonly event: "firing" | "resolved";
    readonly value: number | null;
  }[];
}

export interface StatementFigures {
  readonly statement: string;
  readonly calls: number;
  readonly rows: number;
  readonly total_ms: number;
  readonly mean_ms: number;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
  readonly errors: Readonly<Record<string, number>>;
  readonly repeated: number;
}

export interface PlanNode {
  readonly "Node Type": string;
  readonly Plans?: readonly PlanNode[];
  readonly [detail: string]: unknown;
}

export interface QueryAnalysis {
  readonly statements: readonly StatementFigures[];
  readonly regressions: readonly {
    readonly statement: string;
    readonly since: string;
    readonly mean_before_ms: number;
    readonly mean_after_ms: number;
  }[];
  readonly plans: readonly {
    readonly plan: PlanNode;
    readonly parameters: readonly string[];
    readonly duration_ms: number;
    readonly slow: boolean;
    readonly last_seen_at: string;
    readonly seen: number;
  }[];
}

export interface Partition {
  readonly name: string;
  /** `YYYY-MM` */
  readonly month: string;
  readonly state: "attached" | "detaching" | "detached";
  readonly bytes: number | null;
  readonly rows: number;
  readonly settled_at: string | null;
  readonly detached_at: string | null;
  readonly detach_reason: string | null;
  readonly export_file: string | null;
}

export interface IndexFinding {
  readonly id: string;
  readonly kind: string;
  readonly table: string;
  readonly index: string | null;
  readonly bytes: number | null;
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly confidence: "certain" | "likely" | "possible";
  readonly statements: readonly string[];
}

export interface IndexAction {
  readonly id: string;
  readonly state: "planned" | "running" | "done" | "failed" | "undone";
  readonly requested_at: string;
  readonly error: string | null;
  readonly statements: readonly string[];
  readonly undo: readonly string[];
  readonly mean_before_ms: number | null;
  readonly mean_after_ms: number | null;
  readonly verdict: string | null;
}

export interface Indexes {
  readonly findings: readonly IndexFinding[];
  readonly actions: readonly IndexAction[];
}

export interface JobRun {
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly outcome: "done" | "deferred" | "failed" | "lost" | null;
  readonly changed: Readonly<Record<string, number>>;
  readonly error: string | null;
}

export interface ScheduledJob {
  readonly name: string;
  readonly pattern: string;
  readonly next_run_at: string | null;
  readonly runs: readonly JobRun[];
}

export interface Backups {
  readonly directory: string | null;
  readonly looked_at: string | null;
  readonly backups: readonly {
    readonly id: string;
    readonly ended_at: string;
    readonly bytes: number;
    readonly verified_at: string | null;
    readonly damage: string | null;
  }[];
  readonly drills: readonly {
    readonly at: string;
    readonly backup_id: string;
    readonly outcome: "sound" | "failed";
    readonly rto_ms: number | null;
    readonly rpo_ms: number | null;
    readonly error: string | null;
  }[];
}

export interface DeadLetter {
  readonly id: string;
  readonly reason: string;
  readonly sqlstate: string | null;
  readonly message: string;
  readonly attempts: number;
  readonly createdat: string;
  readonly redrivenat: string | null;
  readonly event: unknown;
}

export interface StoredEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time: string;
  readonly data?: unknown;
}

export interface HealthCheck {
  readonly id: string;
  readonly status: "ok" | "warning" | "critical" | "skipped";
  readonly value: number | null;
  readonly unit: string;
  readonly advice: string;
}
