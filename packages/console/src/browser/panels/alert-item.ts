import { h } from "preact";
import { useState } from "preact/hooks";
import { send } from "../api.ts";
import * as format from "../format.ts";
import { ActionButton } from "../parts/confirm.ts";
import { status, type Tone } from "../parts/status.ts";
import type { Alert } from "../replies.ts";
import { a, div, input, label, li, option, p, select, span, strong, type View } from "../tags.ts";

export interface AlertItemProps {
  readonly alert: Alert;
  readonly isAdmin: boolean;
  readonly now: number;
  readonly reload: () => void;
}

/** One alert: how it stands, what to do, and saying that somebody is at it or that nobody is to be told. */
export function AlertItem({ alert, isAdmin, now, reload }: AlertItemProps): View {
  const { rule, state, summary, runbook, since, acknowledged_by, silenced_until, silenced_by, silenced_why } = alert;
  const silenced = isSilenced(alert, now);
  return li(
    { class: "item" },
    div(
      { class: "line" },
      status(toneOf(alert), state),
      strong(null, rule),
      since !== null && state !== "ok" && span({ class: "note" }, `since ${format.clock(since, now)}`),
      isAdmin &&
        div(
          { class: "actions" },
          state === "firing" &&
            acknowledged_by === null &&
            h(ActionButton, {
              label: "Acknowledge",
              about: rule,
              work: () => send("POST", `/alerts/${rule}/acknowledge`),
              onDone: reload,
            }),
          h(silenced ? EndSilence : Silence, { rule, reload }),
        ),
    ),
    p(
      null,
      `${summary}: ${standingOf(alert)}. `,
      a({ href: runbook, "aria-label": `What to do about ${rule}` }, "What to do"),
    ),
    acknowledged_by !== null && p({ class: "note" }, `${acknowledged_by} is at it.`),
    silenced &&
      p(
        { class: "note" },
        `Nobody is told until ${format.clock(silenced_until, now)} (${silenced_by}: ${silenced_why}).`,
      ),
  );
}

export function isSilenced({ silenced_until }: Alert, now: number): boolean {
  return silenced_until !== null && Date.parse(silenced_until) > now;
}

function standingOf({ value, unit, fire_at }: Alert): string {
  const is = value === null ? "not known" : format.quantity(value, unit);
  return `${is}, fires at ${format.quantity(fire_at, unit)}`;
}

function toneOf({ state, severity }: Alert): Tone {
  if (state === "ok") return "ok";
  if (state === "unknown") return "muted";
  return state === "firing" && severity === "critical" ? "critical" : "warning";
}

interface SilenceProps {
  readonly rule: string;
  readonly reload: () => void;
}

function EndSilence({ rule, reload }: SilenceProps): View {
  return h(ActionButton, {
    label: "End silence",
    about: rule,
    work: () => send("POST", `/alerts/${rule}/silence`, { minutes: 0 }),
    onDone: reload,
  });
}

const lengths = [
  [30, "half an hour"],
  [120, "two hours"],
  [480, "eight hours"],
  [1_440, "a day"],
  [10_080, "a week"],
] as const;

function Silence({ rule, reload }: SilenceProps): View {
  const [minutes, setMinutes] = useState(120);
  const [why, setWhy] = useState("");
  return h(ActionButton, {
    label: "Silence …",
    about: rule,
    question: {
      title: `Have nobody told of ${rule} for a while?`,
      confirm: "Silence",
      body: div(
        { class: "fields" },
        label(
          null,
          "For",
          select(
            { value: minutes, onChange: ({ currentTarget }) => setMinutes(Number(currentTarget.value)) },
            ...lengths.map(([value, text]) => option({ key: value, value }, text)),
          ),
        ),
        label(
          null,
          "Because",
          input({
            value: why,
            required: true,
            maxLength: 500,
            placeholder: "the disk is being moved",
            onInput: ({ currentTarget }) => setWhy(currentTarget.value),
          }),
        ),
      ),
    },
    work: () => send("POST", `/alerts/${rule}/silence`, { minutes, ...(why.trim() !== "" && { why: why.trim() }) }),
    onDone: reload,
  });
}
