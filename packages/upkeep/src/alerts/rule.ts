import { z } from "zod";

/** What is looked at, by name, and in what it is told; each is a number or is not known. */
export const observed = {
  query_p95_ms: "ms",
  query_error_share: "share",
  request_error_share: "share",
  cache_hit_share: "share",
  pool_slow_wait_share: "share",
  connection_share: "share",
  consumers: "count",
  oldest_job_seconds: "seconds",
  queue_away: "count",
  dead_letters_added: "count",
  partition_months_ahead: "months",
  replica_lag_bytes: "bytes",
  disk_days_left: "days",
  oldest_xid_age: "transactions",
} as const;
export type Observed = keyof typeof observed;
export const observedNames = Object.keys(observed) as Observed[]; // the keys of a constant object

export const ruleShape = z.strictObject({
  id: z.string().regex(/^[a-z0-9_]{1,60}$/, "must have 1 to 60 small letters, digits or _"),
  severity: z.enum(["warning", "critical"]),
  value: z.enum(observedNames),
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
  /** A file in docs/runbooks and a place in it, or an address of one's own. */
  runbook: z.string().max(500),
});

/** When an alert fires and when it ends. */
export type AlertRule = z.output<typeof ruleShape>;

/** What the rule's numbers are. */
export function unitOf({ value }: AlertRule): (typeof observed)[Observed] {
  return observed[value];
}

/** Where the rule's runbook is read; `publicUrl` is how the API is reached. */
export function runbookUrl({ runbook }: Pick<AlertRule, "runbook">, publicUrl = ""): string {
  return /^https?:\/\//.test(runbook) ? runbook : `${publicUrl}/runbooks/${runbook}`;
}
