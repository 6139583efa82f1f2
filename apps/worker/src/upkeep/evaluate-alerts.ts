import { type AlertRoundNeeds, createAlertRounds, type Run } from "@millrace/upkeep";

/** Looks at all rules, and tells what fired or ended. */
export function evaluateAlerts(needs: AlertRoundNeeds) {
  const round = createAlertRounds(needs);
  return async (run: Run): Promise<void> => {
    const { happened = [], delivered } = await round();
    for (const { event } of happened) run.changed(event);
    if (delivered > 0) run.changed("delivered", delivered);
  };
}
