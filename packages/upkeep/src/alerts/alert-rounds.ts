import type { AlertEvent } from "./alert-statements.ts";
import { deliverAlerts } from "./deliver.ts";
import { evaluateAlerts } from "./evaluate.ts";
import { type ObserveNeeds, observe } from "./observe.ts";
import { createTellOf, type Receiver } from "./receiver.ts";
import type { AlertRule } from "./rule.ts";

export interface AlertRoundNeeds extends ObserveNeeds {
  readonly rules: readonly AlertRule[];
  readonly receivers: readonly Receiver[];
  /** How people reach the API, for links. */
  readonly publicUrl: string | undefined;
}

export interface AlertRound {
  /** When it was looked, by the database's clock. */
  readonly at: Date;
  /** `undefined`: another process was at it. */
  readonly happened: readonly AlertEvent[] | undefined;
  readonly delivered: number;
}

/** One look at all rules, and telling what is to be told; whoever does it, one at a time. */
export function createAlertRounds(needs: AlertRoundNeeds): () => Promise<AlertRound> {
  const { db, rules, receivers, publicUrl, onError } = needs;
  const tellOf = createTellOf(rules, publicUrl);
  const ids = receivers.map(({ id }) => id);
  return async () => {
    const looks = await observe(needs);
    const happened = await evaluateAlerts(db, rules, looks, ids);
    const delivered = await deliverAlerts(db, receivers, tellOf, onError);
    return { at: looks.at, happened, delivered };
  };
}
