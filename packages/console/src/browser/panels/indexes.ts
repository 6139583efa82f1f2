import { h } from "preact";
import { useState } from "preact/hooks";
import { send } from "../api.ts";
import * as format from "../format.ts";
import { useLoaded } from "../loading.ts";
import { ActionButton } from "../parts/confirm.ts";
import { nothing, Panel } from "../parts/panel.ts";
import { status, type Tone } from "../parts/status.ts";
import type { IndexAction, Indexes as IndexesReply, IndexFinding } from "../replies.ts";
import { dd, details, div, dl, dt, h3, li, p, pre, span, strong, summary, ul, type View } from "../tags.ts";

/** For so long after something was begun it is looked whether it is done. */
const busyMs = 30_000;

/** What is to be said of the indexes, having it done, and what became of it. */
export function Indexes({ isAdmin, now }: { readonly isAdmin: boolean; readonly now: number }): View {
  const [busyUntil, setBusyUntil] = useState(0);
  // Looking costs PostgreSQL some work, and what is found changes slowly, unless something is being done.
  const loaded = useLoaded<IndexesReply>("/database/indexes", now < busyUntil ? 2_000 : 300_000);
  const { findings = [], actions = [] } = loaded.value ?? {};
  const isUnderWay = actions.some(({ state }) => state === "planned" || state === "running");
  if (isUnderWay && busyUntil < now + busyMs / 2) setBusyUntil(now + busyMs);
  const reload = (): void => {
    setBusyUntil(now + busyMs);
    loaded.reload();
  };
  return h(
    Panel,
    {
      id: "indexes",
      title: "Indexes",
      note: `${findings.length === 0 ? "nothing" : findings.length} to look into`,
      loaded,
    },
    findings.length === 0
      ? nothing("None is missing, useless, broken or bloated, as far as statistics tell.")
      : ul({ class: "items" }, ...findings.map((finding) => h(Finding, { key: finding.id, finding, isAdmin, reload }))),
    actions.length > 0 && h3(null, "Done so far"),
    actions.length > 0 &&
      ul({ class: "items" }, ...actions.map((action) => h(Action, { key: action.id, action, isAdmin, reload, now }))),
  );
}

interface FindingProps {
  readonly finding: IndexFinding;
  readonly isAdmin: boolean;
  readonly reload: () => void;
}

function Finding({ finding, isAdmin, reload }: FindingProps): View {
  const { kind, table, index, bytes, reason, confidence, statements, evidence } = finding;
  const tone: Tone = confidence === "certain" ? "warning" : "muted";
  return li(
    { class: "item" },
    div(
      { class: "line" },
      status(tone, kind.replaceAll("_", " ")),
      strong(null, index ?? table),
      span(
        { class: "note" },
        [bytes === null ? undefined : format.bytes(bytes), confidence].filter(Boolean).join(", "),
      ),
      isAdmin &&
        statements.length > 0 &&
        div(
          { class: "actions" },
          h(ActionButton, {
            label: "Apply …",
            about: `${kind} ${index ?? table}`,
            question: {
              title: "Have a worker run this?",
              confirm: "Apply",
              body: [
                p(null, "One after the other, CONCURRENTLY, within a budget for locks. It can be undone."),
                pre(null, statements.join(";\n")),
              ],
            },
            work: () => send("POST", "/database/optimize", { apply: true, findings: [finding.id] }),
            onDone: reload,
          }),
        ),
    ),
    p(null, reason),
    details(
      null,
      summary(null, "Evidence and statements"),
      dl(
        { class: "facts" },
        ...Object.entries(evidence).map(([name, value]) =>
          div({ key: name }, dt(null, name.replaceAll("_", " ")), dd(null, textOf(value))),
        ),
      ),
      statements.length > 0 && pre(null, statements.join(";\n")),
    ),
  );
}

const tones: Readonly<Record<IndexAction["state"], Tone>> = {
  planned: "muted",
  running: "accent",
  done: "ok",
  failed: "critical",
  undone: "muted",
};

interface ActionProps {
  readonly action: IndexAction;
  readonly isAdmin: boolean;
  readonly reload: () => void;
  readonly now: number;
}

function Action({ action, isAdmin, reload, now }: ActionProps): View {
  const { id, state, statements, undo, error, mean_before_ms, mean_after_ms, verdict } = action;
  const measured =
    mean_before_ms === null || mean_after_ms === null
      ? ""
      : `; ${format.duration(mean_before_ms)} became ${format.duration(mean_after_ms)} on average`;
  return li(
    { class: "item" },
    div(
      { class: "line" },
      status(tones[state], state),
      span(
        { class: "note" },
        `${format.ago(action.requested_at, now)}${verdict === null ? "" : `, ${verdict.replaceAll("_", " ")}`}${measured}`,
      ),
      isAdmin &&
        state === "done" &&
        div(
          { class: "actions" },
          h(ActionButton, {
            label: "Undo …",
            about: statements[0] ?? id,
            question: { title: "Bring back what was?", confirm: "Undo", body: pre(null, undo.join(";\n")) },
            work: () => send("POST", `/database/optimize/${id}/undo`),
            onDone: reload,
          }),
        ),
    ),
    error !== null && p({ class: "fault" }, error),
    pre(null, statements.join(";\n")),
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
