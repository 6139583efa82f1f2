import { Readable } from "node:stream";
import { type ReadDb, statement } from "@millrace/db";
import { conditionsOf, type EventFilter } from "./event-filter.ts";
import { type EventRow, eventColumns } from "./event-row.ts";

export interface ExportLimits {
  /** For a whole export. */
  readonly timeoutMs: number;
  /** A client that takes nothing for this long is taken for gone. */
  readonly stallMs: number;
}

interface ExportFormat {
  readonly header: string;
  readonly lineOf: (row: EventRow) => string;
}

/** Typical rows make about 64 KB; the largest that ingest accepts make a few megabytes. */
const rowsOfBatch = 200;

/**
 * The events that the filter lets through as text, oldest first, from one statement and so from one
 * snapshot. Resolves once the first rows are there; until then errors are the promise's. Afterwards an
 * error, a client that stalls or `gone` destroys the stream, and the cursor is closed in each case.
 * No more than two batches are in memory at a time.
 */
export async function openExport(
  db: ReadDb,
  filter: EventFilter,
  { header, lineOf, timeoutMs, stallMs, gone }: ExportFormat & ExportLimits & { gone: AbortSignal },
): Promise<Readable> {
  const { where, params } = conditionsOf(filter);
  const exported = statement<readonly string[], EventRow>(
    "events.export",
    `SELECT ${eventColumns} FROM telemetry_events e ${where} ORDER BY e.time, e.id, e.source ${startSoon(filter)}`,
  );
  const batches = db.batches(exported, params, rowsOfBatch, { timeoutMs, signal: gone })[Symbol.asyncIterator]();
  let batch = await batches.next();

  async function* chunks(): AsyncGenerator<Buffer> {
    if (header !== "") yield Buffer.from(header);
    while (batch.done !== true) {
      const chunk = Buffer.from(batch.value.map(lineOf).join(""));
      const stalled = setTimeout(() => stream.destroy(new StalledExportError(stallMs)), stallMs);
      try {
        yield chunk;
      } finally {
        clearTimeout(stalled);
      }
      batch = await batches.next();
    }
  }
  const stream = Readable.from(chunks(), { objectMode: false, highWaterMark: 64 * 1_024 });
  // A stream that was never read has not begun its generator, so that it cannot end it either.
  stream.once("close", () => void batches.return?.().catch(() => {}));
  gone.addEventListener("abort", () => stream.destroy());
  if (gone.aborted) stream.destroy();
  return stream;
}

/**
 * A limit that the planner cannot know makes it take the plan that has its first rows soon: along an index
 * instead of sorting everything, on disk if it is large. What matches `data` is found first and sorted then.
 */
function startSoon({ data }: EventFilter): string {
  return data === undefined ? "LIMIT (SELECT 9223372036854775807)" : "";
}

class StalledExportError extends Error {
  constructor(stallMs: number) {
    super(`The client of an export has taken nothing for ${stallMs} ms; its connection is cut`);
    this.name = "StalledExportError";
  }
}
