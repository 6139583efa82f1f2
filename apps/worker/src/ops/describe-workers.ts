import type { ProcessReport } from "@millrace/fleet";
import type { Workers } from "@millrace/jobs";

/** What works on jobs here, as it is told to the fleet. */
export function describeWorkers(
  workers: Pick<Workers, "running" | "consumers">,
): Pick<ProcessReport, "jobs" | "consumers"> {
  return {
    jobs: workers.running().map(({ name, running, oldestMs }) => ({ name, running, oldest_ms: oldestMs })),
    consumers: workers.consumers().map(({ queue, isStuck }) => ({ queue, stuck: isStuck })),
  };
}
