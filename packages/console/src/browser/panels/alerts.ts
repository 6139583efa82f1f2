import { h } from "preact";
import * as format from "../format.ts";
import type { Loaded } from "../loading.ts";
import { Panel } from "../parts/panel.ts";
import { status } from "../parts/status.ts";
import type { Alert, Alerts } from "../replies.ts";
import { details, li, ol, p, span, strong, summary, ul, type View } from "../tags.ts";
import { AlertItem, isSilenced } from "./alert-item.ts";

export interface AlertsPanelProps {
  readonly loaded: Loaded<Alerts>;
  readonly isAdmin: boolean;
  readonly now: number;
}

const order: Readonly<Record<Alert["state"], number>> = { firing: 0, pending: 1, unknown: 2, ok: 3 };
const shownEvents = 30;

/** What fires, what is about to, and who is at it. */
export function AlertsPanel({ loaded, isAdmin, now }: AlertsPanelProps): View {
  const { alerts = [], events = [], looked_at = null } = loaded.value ?? {};
  const sorted = alerts.toSorted((one, other) => order[one.state] - order[other.state]);
  const loud = sorted.filter((alert) => alert.state !== "ok" || isSilenced(alert, now));
  const quiet = sorted.filter((alert) => !loud.includes(alert));
  const item = (alert: Alert): View => h(AlertItem, { key: alert.rule, alert, isAdmin, now, reload: loaded.reload });
  return h(
    Panel,
    {
      id: "alerts",
      title: "Alerts",
      note: `${quiet.length} of ${alerts.length} are quiet; looked at ${format.ago(looked_at, now)}`,
      loaded,
    },
    loud.length === 0
      ? p({ class: "calm" }, status("ok", "Nothing fires."))
      : ul({ class: "items" }, ...loud.map(item)),
    details(null, summary(null, "The quiet ones"), ul({ class: "items" }, ...quiet.map(item))),
    events.length > 0 && historyOf({ alerts, events }, now),
  );
}

function historyOf({ alerts, events }: Pick<Alerts, "alerts" | "events">, now: number): View {
  const units = new Map(alerts.map(({ rule, unit }) => [rule, unit]));
  return details(
    null,
    summary(null, "What fired and ended lately"),
    ol(
      { class: "events" },
      ...events
        .slice(0, shownEvents)
        .map(({ id, rule, at, event, value }) =>
          li(
            { key: id },
            status(event === "firing" ? "warning" : "ok", event),
            strong(null, rule),
            span({ class: "note" }, `${format.clock(at, now)}, ${format.quantity(value, units.get(rule) ?? "")}`),
          ),
        ),
    ),
  );
}
