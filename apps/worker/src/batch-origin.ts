import type { JobRun } from "@millrace/jobs";
import { labelOf, type Origin } from "@millrace/runtime";

/** How many of each a log line names. */
export const mostNamed = 64;

/** What is done for many jobs at once is done on behalf of all of them. */
export function originOfBatch(
  runs: readonly JobRun[],
  requests: readonly string[],
  others: Readonly<Record<string, unknown>> = {},
): Origin {
  const queue = runs[0]?.queue ?? "";
  // Jobs of several queues that share the work may meet here; their numbers say little without the queue's name.
  const jobs = runs.map((run) => (run.queue === queue ? run.id : `${run.queue}:${run.id}`));
  const fields = {
    queue,
    jobs: jobs.slice(0, mostNamed),
    ...(requests.length > 0 && { requests: requests.slice(0, mostNamed) }),
    ...others,
  };
  return { label: labelOf(queue, jobs, requests), fields };
}
