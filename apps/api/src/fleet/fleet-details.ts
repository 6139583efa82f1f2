import type { Member } from "@millrace/fleet";
import type { QueueState } from "@millrace/jobs";
import { z } from "zod";
import { processesOf, queuesOf } from "./collect-live.ts";
import { member, queue } from "./live-schema.ts";

const details = member.extend({
  consumers: z.array(z.object({ queue: z.string(), stuck: z.boolean().describe("Work waits and it takes none") })),
  counts: z.record(z.string(), z.number()).describe("What it has counted since it began"),
});
const queueDetails = queue.extend({
  parts: z
    .array(queue.omit({ consumers: true }))
    .describe("By their names in Redis; ingest may be several that share its work"),
});

/** The processes and the queues, in detail. */
export const fleet = z.object({ at: z.string(), processes: z.array(details), queues: z.array(queueDetails) });

export function detailsOf(members: readonly Member[], states: readonly QueueState[]): z.output<typeof fleet> {
  const reports = new Map(members.map(({ report }) => [report.id, report]));
  return {
    at: new Date().toISOString(),
    processes: processesOf(members).map((one) => ({
      ...one,
      consumers: reports.get(one.id)?.consumers ?? [],
      counts: reports.get(one.id)?.counts ?? {},
    })),
    queues: queuesOf(states, members).map((one) => ({
      ...one,
      parts: states.filter(({ name }) => name === one.name).map(partOf),
    })),
  };
}

function partOf({ wireName, waiting, active, delayed, failed, isPaused, oldestWaitMs }: QueueState) {
  return { name: wireName, waiting, active, delayed, failed, paused: isPaused, oldest_wait_ms: oldestWaitMs };
}
