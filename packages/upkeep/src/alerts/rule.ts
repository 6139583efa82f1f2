import { z } from "zod";

/** What is looked at, by name; each is a number or is not known. */
export const observed = [
  "query_p95_ms",
  "query_error_share",
  "cache_hit_share",
  "pool_slow_wait_share",
  "oldest_job_seconds",
  "dead_letters_added",
  "partition_months_ahead",
  "replica_lag_bytes",
  "disk_days_left",
  "oldest_xid_age",
  "connection_share",
] as const;
export type Observed = (typeof observed)[number];

const rule = z.strictObject({
  id: z.string().regex(/^[a-z0-9_]{1,60}$/, "must have 1 to 60 small letters, digits or _"),
  severity: z.enum(["warning", "critical"]),
  value: z.enum(observed),
  summary: z.string().max(200),
  /** Fires at this value or beyond it … */
  fire_at: z.number(),
  /** … and ends at this one or on its good side. It lies apart, so that an alert does not flap. */
  clear_at: z.number(),
  low_is_bad: z.boolean(),
  /** For so long it must be so before it fires. */
  for_seconds: z.number().min(0).max(86_400),
  /** A value made from fewer says nothing. */
  min_samples: z.number().min(0),
  /** What it means that there is no value: `hold` keeps what was, `fire` takes it for bad, `ok` for good. */
  no_data: z.enum(["hold", "fire", "ok"]),
  runbook: z.string().max(200),
});

/** When an alert fires and when it ends. */
export type AlertRule = z.output<typeof rule>;

const common = { low_is_bad: false, for_seconds: 120, min_samples: 0, no_data: "hold" } as const;

/** With the thresholds of the well-known tools. */
const defaults: readonly AlertRule[] = [
  {
    ...common,
    id: "query_latency",
    severity: "warning",
    value: "query_p95_ms",
    summary: "One statement in twenty takes longer than this, in ms",
    fire_at: 100,
    clear_at: 80,
    min_samples: 50,
    runbook: "slow-queries.md",
  },
  {
    ...common,
    id: "query_errors",
    severity: "critical",
    value: "query_error_share",
    summary: "Share of statements that fail",
    fire_at: 0.1,
    clear_at: 0.05,
    min_samples: 100,
    runbook: "slow-queries.md",
  },
  {
    ...common,
    id: "cache_hits",
    severity: "warning",
    value: "cache_hit_share",
    summary: "Share of reads that the cache answers",
    fire_at: 0.6,
    clear_at: 0.7,
    low_is_bad: true,
    for_seconds: 300,
    min_samples: 1_000,
    runbook: "redis-down.md",
  },
  {
    ...common,
    id: "pool_exhausted",
    severity: "critical",
    value: "pool_slow_wait_share",
    summary: "Share of statements that wait longer than 50 ms for a connection",
    fire_at: 0.05,
    clear_at: 0.01,
    for_seconds: 60,
    min_samples: 100,
    runbook: "connections.md",
  },
  {
    ...common,
    id: "oldest_job",
    severity: "critical",
    value: "oldest_job_seconds",
    summary: "The oldest job has waited for so many seconds",
    fire_at: 60,
    clear_at: 10,
    for_seconds: 60,
    runbook: "queues.md",
  },
  {
    ...common,
    id: "dead_letters",
    severity: "warning",
    value: "dead_letters_added",
    summary: "Events that PostgreSQL refused in the last quarter of an hour",
    fire_at: 1,
    clear_at: 0,
    for_seconds: 0,
    runbook: "dead-letters.md",
  },
  {
    ...common,
    id: "partition_horizon",
    severity: "critical",
    value: "partition_months_ahead",
    summary: "Coming months for which there are partitions",
    fire_at: 0,
    clear_at: 1,
    low_is_bad: true,
    for_seconds: 300,
    no_data: "fire",
    runbook: "partitions.md",
  },
  {
    ...common,
    id: "replication_lag",
    severity: "warning",
    value: "replica_lag_bytes",
    summary: "Bytes of log that a standby lacks",
    fire_at: 100 * 1_024 ** 2,
    clear_at: 50 * 1_024 ** 2,
    runbook: "connections.md",
  },
  {
    ...common,
    id: "disk_forecast",
    severity: "critical",
    value: "disk_days_left",
    summary: "Days until the disk is full at this rate",
    fire_at: 7,
    clear_at: 10,
    low_is_bad: true,
    for_seconds: 1_800,
    runbook: "disk-and-wraparound.md",
  },
  {
    ...common,
    id: "wraparound",
    severity: "critical",
    value: "oldest_xid_age",
    summary: "Transactions since the oldest row was frozen",
    fire_at: 1_000_000_000,
    clear_at: 900_000_000,
    for_seconds: 600,
    runbook: "disk-and-wraparound.md",
  },
  {
    ...common,
    id: "connections",
    severity: "warning",
    value: "connection_share",
    summary: "Share of PostgreSQL's connections that are taken",
    fire_at: 0.9,
    clear_at: 0.75,
    runbook: "connections.md",
  },
];

const changes = z.array(
  rule
    .partial()
    .required({ id: true })
    .extend({ enabled: z.boolean().default(true) }),
);

/**
 * The rules that hold: those that everybody has, with what `changed` says of them by their ids, and those that it adds.
 * Throws a `ZodError` that names what is wrong in it.
 */
export function rulesWith(changed: unknown = []): AlertRule[] {
  const given = new Map(changes.parse(changed).map((one) => [one.id, one]));
  const known = new Set(defaults.map(({ id }) => id));
  const all = [...defaults, ...[...given.values()].filter(({ id }) => !known.has(id))];
  return all.flatMap((one) => {
    const { enabled = true, ...differences } = given.get(one.id) ?? {};
    if (!enabled) return [];
    const { enabled: _, ...base } = { enabled, ...common, ...one };
    return rule.parse({ ...base, ...differences });
  });
}
