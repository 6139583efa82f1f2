import { h } from "preact";
import { useState } from "preact/hooks";
import { send } from "../api.ts";
import * as format from "../format.ts";
import type { Loaded } from "../loading.ts";
import { ActionButton } from "../parts/confirm.ts";
import { Panel } from "../parts/panel.ts";
import { status, type Tone } from "../parts/status.ts";
import type { Alert, Alerts as AlertsReply, Session } from "../replies.ts";
import { a, details, div, label, li, ol, option, p, select, span, strong, summary, ul, type View } from "../tags.ts";

export interface AlertsProps {
  readonly loaded: Loaded<AlertsReply>;
  readonly session: Session | undefined;
  readonly isAdmin: boolean;
  readonly now: number;
}

const order: Readonly<Record<Alert["state"], number>> = { firing: 0, pending: 1, unknown: 2, ok: 3 };

/** What fires, what is about to, and who is at it. */
export function AlertsPanel({ loaded, session, isAdmin, now }: AlertsProps): View {
  const alerts = loaded.value?.alerts.toSorted((one, other) => order[one.state] - order[other.state]) ?? [];
  const loud = alerts.filter((alert) => alert.state !== "ok" || isSilenced(alert, now));
  const quiet = alerts.filter((alert) => !loud.includes(alert));
  const events = loaded.value?.events ?? [];
  const item = (alert: Alert): View =>
    h(AlertItem, { key: alert.rule, alert, by: session?.name ?? "console", isAdmin, now, reload: loaded.reload });
  return h(
    Panel,
    { id: "alerts", title: "Alerts", note: `${quiet.length} of ${alerts.length} are quiet`, loaded },
    loud.length === 0
      ? p({ class: "calm" }, status("ok", "Nothing fires."))
      : ul({ class: "items" }, ...loud.map(item)),
    details(null, summary(null, "The quiet ones"), ul({ class: "items" }, ...quiet.map(item))),
    events.length > 0 &&
      details(
        null,
        summary(null, "What fired and ended lately"),
        ol(
          { class: "events" },
          ...events
            .slice(0, 30)
            .map(({ rule, at, event, value }) =>
              li(
                { key: `${rule} ${at} ${event}` },
                status(event === "firing" ? "warning" : "ok", event),
                strong(null, rule),
                span({ class: "note" }, `${format.clock(at, now)}, at ${value === null ? "–" : format.count(value)}`),
              ),
            ),
        ),
      ),
  );
}

interface AlertItemProps {
  readonly alert: Alert;
  readonly by: string;
  readonly isAdmin: boolean;
  readonly now: number;
  readonly reload: () => void;
}

function AlertItem({ alert, by, isAdmin, now, reload }: AlertItemProps): View {
  const { rule, state, summary: what, runbook, since, value, fire_at, acknowledged_by, silenced_until } = alert;
  const unit = alert.unit === undefined ? "" : ` ${alert.unit}`;
  const silenced = isSilenced(alert, now);
  return li(
    { class: "item" },
    div(
      { class: "line" },
      status(toneOf(alert), state),
      strong(null, rule),
      span(
        { class: "note" },
        state === "ok" || since === null ? "" : `for ${format.ago(since, now).replace(" ago", "")}`,
      ),
      isAdmin &&
        state === "firing" &&
        acknowledged_by === null &&
        h(ActionButton, {
          label: "Acknowledge",
          about: rule,
          work: () => send("POST", `/alerts/${rule}/acknowledge`, { by }),
          onDone: reload,
        }),
      isAdmin && h(SilenceButton, { rule, silenced, reload }),
    ),
    p(
      null,
      `${what}: ${value === null ? "not known" : `${format.count(value)}${unit}`}, fires at ${format.count(fire_at)}${unit}. `,
      a({ href: `/runbooks/${runbook}`, "aria-label": `What to do about ${rule}` }, "What to do"),
    ),
    acknowledged_by !== null && p({ class: "note" }, `${acknowledged_by} is at it.`),
    silenced && p({ class: "note" }, `Nobody is told until ${format.clock(silenced_until, now)}.`),
  );
}

const silences = [
  [30, "half an hour"],
  [120, "two hours"],
  [480, "eight hours"],
  [1_440, "a day"],
  [10_080, "a week"],
] as const;

function SilenceButton({ rule, silenced, reload }: { rule: string; silenced: boolean; reload: () => void }): View {
  const [minutes, setMinutes] = useState(120);
  const silence = (length: number) => () => send("POST", `/alerts/${rule}/silence`, { minutes: length });
  if (silenced) return h(ActionButton, { label: "End silence", about: rule, work: silence(0), onDone: reload });
  return h(ActionButton, {
    label: "Silence …",
    about: rule,
    question: {
      title: `Have nobody told of ${rule} for a while?`,
      confirm: "Silence",
      body: label(
        null,
        "For ",
        select(
          {
            value: minutes,
            onChange: ({ currentTarget }: { currentTarget: HTMLSelectElement }) =>
              setMinutes(Number(currentTarget.value)),
          },
          ...silences.map(([value, text]) => option({ value }, text)),
        ),
      ),
    },
    work: silence(minutes),
    onDone: reload,
  });
}

function isSilenced({ silenced_until }: Alert, now: number): boolean {
  return silenced_until !== null && Date.parse(silenced_until) > now;
}

function toneOf({ state, severity }: Alert): Tone {
  if (state === "ok") return "ok";
  if (state === "unknown") return "muted";
  return state === "firing" && severity === "critical" ? "critical" : "warning";
}
