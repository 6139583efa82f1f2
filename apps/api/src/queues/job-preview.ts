import type { QueueName } from "@millrace/jobs";
import { z } from "zod";

const headLength = 200;

/** What is looked at of an ingest job, whatever version of the program made it. */
const ingestData = z.looseObject({ rows: z.string() });

/**
 * What the dashboard shows of a job's payload. An ingest job has up to 256 KB of other people's rows: of these, how
 * much there is and how it begins.
 */
export function previewOf(data: unknown): unknown {
  const ingest = ingestData.safeParse(data);
  if (!ingest.success) return data;
  const { rows, ...others } = ingest.data;
  return { ...others, bytes: Buffer.byteLength(rows), beginning: headOf(rows) };
}

/** Whether what is shown of the queue's payloads is less than what they are, so that it must not be written back. */
export function isShortened(queue: QueueName): boolean {
  return queue === "ingest";
}

function headOf(rows: string): string {
  return rows.length <= headLength ? rows : `${rows.slice(0, headLength)}…`;
}
