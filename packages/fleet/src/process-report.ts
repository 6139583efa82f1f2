import { z } from "zod";

const counts = z.record(z.string(), z.number());
const span = z.object({ ms: z.number().positive(), counts }).nullable();

const report = z.object({
  id: z.string(),
  /** What kind of process it is: `api` or `worker`. */
  app: z.string(),
  host: z.string(),
  pid: z.int(),
  version: z.string(),
  started_at: z.string(),
  rss_bytes: z.number(),
  /** Time on the processor as a share of one core, since it last told. */
  cpu_share: z.number(),
  /** By how much the event loop was late since then. */
  loop_lag_p99_ms: z.number(),
  pool: z.object({ max: z.number(), size: z.number(), in_use: z.number(), waiting: z.number() }),
  /** What it runs now. */
  jobs: z.array(z.object({ name: z.string(), running: z.number(), oldest_ms: z.number() })),
  /** Which queues it takes jobs from. */
  consumers: z.array(z.object({ queue: z.string(), stuck: z.boolean() })),
  /** All that it has counted; durations are left out. */
  counts,
  /** Since it told the time before. */
  last: span,
  /** In the last ten seconds or so, with durations. */
  recent: span,
});

/** What a process tells of itself. Later versions only add to it. */
export type ProcessReport = z.output<typeof report>;

/** `undefined` for a text that no version up to this one has written. */
export function reportIn(text: string): ProcessReport | undefined {
  try {
    return report.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
