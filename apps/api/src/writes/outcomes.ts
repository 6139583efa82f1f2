import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Db } from "@millrace/db";
import { type JsonRow, type Outcome, outcomes, writeStatements } from "@millrace/domain";
import { z } from "zod";

export interface Finished {
  readonly outcome: Outcome;
  readonly row: JsonRow | null;
  readonly detail: string | null;
}

export interface Outcomes {
  /** The name under which workers tell this process what became of its writes. */
  readonly mailbox: string;
  /** Takes in a letter of a worker. */
  read(text: string): void;
  /** What became of the write, or `undefined` if that is not known after `ms`. Begin before the write is queued. */
  wait(id: string, ms: number): Promise<Finished | undefined>;
}

const letters = z.array(
  z.object({
    id: z.string(),
    outcome: z.enum(outcomes),
    row: z.record(z.string(), z.unknown()).nullable(),
    detail: z.string().nullable(),
  }),
);

const firstLookMs = 250;
const longestPauseMs = 2_000;

/** Waits for letters, and looks into the database now and then, since a letter can be lost. */
export function createOutcomes(db: Pick<Db, "rows">): Outcomes {
  const waiting = new Map<string, (finished: Finished) => void>();

  async function look(id: string, signal: AbortSignal): Promise<Finished> {
    for (let pauseMs = firstLookMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      await sleep(pauseMs, undefined, { signal });
      // While it is away nothing is applied either; the next look may tell.
      const [row] = await db.rows(writeStatements.getById, [id]).catch(() => []);
      if (row?.is_settled === true) return row;
    }
  }

  return {
    mailbox: `api-${randomUUID()}`,

    read(text) {
      let parsed: unknown;
      try {
        parsed = JSON.parse(text);
      } catch {
        return; // from something else: the database tells as well
      }
      for (const { id, ...finished } of letters.safeParse(parsed).data ?? []) waiting.get(id)?.(finished);
    },

    async wait(id, ms) {
      const end = new AbortController();
      try {
        return await Promise.race([
          new Promise<Finished>((resolve) => waiting.set(id, resolve)),
          look(id, end.signal),
          sleep(ms, undefined, { signal: end.signal }),
        ]);
      } finally {
        waiting.delete(id);
        end.abort();
      }
    },
  };
}
