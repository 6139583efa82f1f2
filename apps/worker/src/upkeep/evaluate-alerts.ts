import type { Db } from "@millrace/db";
import type { Queues } from "@millrace/jobs";
import type { Logger } from "@millrace/runtime";
import {
  type AlertRule,
  databaseHealth,
  deliverAlerts,
  evaluateAlerts as evaluate,
  observe,
  type Run,
  targetOf,
  type Webhook,
} from "@millrace/upkeep";

export interface EvaluateAlertsNeeds {
  readonly db: Db;
  readonly queues: Pick<Queues, "load">;
  readonly rules: readonly AlertRule[];
  readonly webhooks: readonly Webhook[];
  readonly secret: string | undefined;
  readonly log: Pick<Logger, "warn" | "info">;
}

/** Looks at all rules, and tells what fired or ended: in the log, and to the webhooks as long as they do not take it. */
export function evaluateAlerts({ db, queues, rules, webhooks, secret, log }: EvaluateAlertsNeeds) {
  const oldestJobSeconds = async (): Promise<number | undefined> => {
    const loads = await Promise.all((["ingest", "writes"] as const).map((name) => queues.load(name))).catch(() => []);
    return loads.length === 0 ? undefined : Math.max(...loads.map(({ oldestWaitMs }) => oldestWaitMs)) / 1_000;
  };
  return async (run: Run): Promise<void> => {
    const looks = await observe({
      db,
      health: await databaseHealth(db, { partitionedTable: "telemetry_events" }),
      oldestJobSeconds: await oldestJobSeconds(),
      now: new Date(),
    });
    const told = await evaluate(db, rules, looks, webhooks.map(targetOf));
    for (const alert of told) {
      log[alert.event === "firing" ? "warn" : "info"]({ alert }, `alert ${alert.rule}: ${alert.event}`);
      run.changed(alert.event);
    }
    const delivered = await deliverAlerts(db, { webhooks, secret });
    if (delivered > 0) run.changed("delivered", delivered);
  };
}
