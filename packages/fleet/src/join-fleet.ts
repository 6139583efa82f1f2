import { setTimeout as sleep } from "node:timers/promises";
import type { Presence } from "@millrace/jobs";
import { startLoop } from "@millrace/runtime";
import { describeProcess, type ProcessOptions } from "./describe-process.ts";
import { type ProcessReport, reportIn } from "./process-report.ts";

export interface FleetOptions extends ProcessOptions {
  readonly presence: Presence;
  /** How often this process tells of itself. Default: 2 s. */
  readonly everyMs?: number;
  /** Told when Redis does not take it, once until it does again. */
  readonly onError: (error: Error) => void;
}

/** A process as it was last heard of. */
export interface Member {
  readonly report: ProcessReport;
  readonly ageMs: number;
}

export interface Fleet extends AsyncDisposable {
  /** All processes that are there, by what they last told. Rejects when Redis does not tell. */
  members(): Promise<readonly Member[]>;
  /** This process, whatever Redis does. */
  self(): Member;
}

/** How long leaving may take; who is cut off is forgotten after a few seconds anyway. */
const leaveMs = 500;

/**
 * Tells the others of this process again and again, until disposed. Nothing waits for it, and while Redis is away it
 * is not told.
 */
export function joinFleet(options: FleetOptions): Fleet {
  const { presence, id, everyMs = 2_000, onError } = options;
  const description = describeProcess(options);
  const describe = () => ({ report: description.report(), atMs: performance.now() });
  let own: ReturnType<typeof describe> | undefined;
  let isAway = false;

  async function tell(): Promise<void> {
    own = describe();
    await presence.tell(id, JSON.stringify(own.report));
    isAway = false;
  }

  const telling = startLoop({
    everyMs,
    tick: tell,
    onError: (error) => {
      if (!isAway) onError(error instanceof Error ? error : new Error(String(error)));
      isAway = true;
    },
  });

  return {
    async members() {
      const signs = await presence.list();
      return signs.flatMap(({ text, ageMs }) => {
        const report = reportIn(text);
        return report === undefined ? [] : { report, ageMs };
      });
    },

    self() {
      own ??= describe();
      return { report: own.report, ageMs: performance.now() - own.atMs };
    },

    async [Symbol.asyncDispose]() {
      await telling[Symbol.asyncDispose]();
      description[Symbol.dispose]();
      await Promise.race([presence.leave(id).catch(() => {}), sleep(leaveMs, undefined, { ref: false })]);
    },
  };
}
