import { type PoolEvent, poolEvents, type QueryEvent, queryEvents } from "@millrace/db";
import { type JobEvent, jobEvents } from "@millrace/jobs";
import type { Figures } from "./figures.ts";

/** A wait for a connection that takes longer is a slow one. */
const slowWaitMs = 50;

/** Counts what happens in every process alike: statements, waits for connections, and jobs. */
export function countProcess(figures: Figures): Disposable {
  const onQuery = (message: unknown): void => {
    const { durationMs, error } = message as QueryEvent; // the channel carries nothing else
    figures.count("statements");
    if (error !== undefined) figures.count("statements_failed");
    figures.time("statement", durationMs);
  };
  const onPool = (message: unknown): void => {
    const { waitMs } = message as PoolEvent; // the channel carries nothing else
    figures.count("pool_waits");
    if (waitMs > slowWaitMs) figures.count("pool_slow_waits");
    figures.time("pool_wait", waitMs);
  };
  const onJob = (message: unknown): void => {
    const { name, waitMs, runMs, error } = message as JobEvent; // the channel carries nothing else
    figures.count(error === undefined ? `jobs_done.${name}` : `jobs_failed.${name}`);
    figures.time("job_wait", waitMs);
    figures.time("job_run", runMs);
  };
  queryEvents.subscribe(onQuery);
  poolEvents.subscribe(onPool);
  jobEvents.subscribe(onJob);
  return {
    [Symbol.dispose]: () => {
      queryEvents.unsubscribe(onQuery);
      poolEvents.unsubscribe(onPool);
      jobEvents.unsubscribe(onJob);
    },
  };
}
