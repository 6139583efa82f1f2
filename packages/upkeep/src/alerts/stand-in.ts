import { startLoop } from "@millrace/runtime";
import { type AlertRound, type AlertRoundNeeds, createAlertRounds } from "./alert-rounds.ts";
import { lastLook } from "./alert-store.ts";

export interface StandInOptions extends AlertRoundNeeds {
  /** Told each time that it stood in. */
  readonly onRound?: (round: AlertRound) => void;
  /** How long nobody may have looked before it does. Default: 2 min. */
  readonly patienceMs?: number;
  readonly everyMs?: number;
}

/** Once it stands in, it looks as often as a worker would. */
const againAfterMs = 60_000;

/**
 * Looks at the alerts when nobody else does: they are the workers' to look at, and that there is no worker is among
 * what is to be told. It stops as soon as somebody else looked.
 */
export function startStandIn(options: StandInOptions): AsyncDisposable {
  const { db, readQueues, patienceMs = 120_000, everyMs = 15_000, onRound = () => {}, onError } = options;
  const startedAt = performance.now();
  const round = createAlertRounds(options);
  let ownAt: Date | undefined;
  return startLoop({
    everyMs,
    tick: async () => {
      const last = await lastLook(db);
      const isOwn = last !== undefined && last.at.getTime() === ownAt?.getTime();
      const waitMs = isOwn ? againAfterMs : patienceMs;
      if (last !== undefined && last.ageMs >= 0 && last.ageMs < waitMs) return;
      // Who starts after all have been away leaves it to the workers, if there are any.
      const isYoung = performance.now() - startedAt < patienceMs;
      if (isYoung && (await readQueues().catch(() => undefined))?.consumers !== 0) return;
      const made = await round();
      if (made.happened === undefined) return;
      ownAt = made.at;
      onRound(made);
    },
    onError,
  });
}
