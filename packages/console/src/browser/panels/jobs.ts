import { h } from "preact";
import { send } from "../api.ts";
import * as format from "../format.ts";
import { useLoaded } from "../loading.ts";
import { ActionButton } from "../parts/confirm.ts";
import { figure, Grid, rowTitle } from "../parts/grid.ts";
import { Panel } from "../parts/panel.ts";
import { status, type Tone } from "../parts/status.ts";
import type { JobRun, ScheduledJob } from "../replies.ts";
import { code, td, tr, type View } from "../tags.ts";

const tones: Readonly<Record<NonNullable<JobRun["outcome"]>, Tone>> = {
  done: "ok",
  deferred: "muted",
  failed: "critical",
  lost: "warning",
};

/** What runs by the clock, how it went, and running it now. */
export function Jobs({ isAdmin, now }: { readonly isAdmin: boolean; readonly now: number }): View {
  const loaded = useLoaded<{ readonly jobs: readonly ScheduledJob[] }>("/database/maintenance?runs=1", 10_000);
  return h(
    Panel,
    { id: "jobs", title: "Scheduled jobs", note: "times of patterns in UTC", isWide: true, loaded },
    h(
      Grid,
      {
        label: "Scheduled jobs",
        columns: [
          { title: "Job" },
          { title: "Pattern" },
          { title: "Next", isNumber: true },
          { title: "Last run", isNumber: true },
          { title: "Took", isNumber: true },
          { title: "Outcome" },
          { title: "Changed" },
          ...(isAdmin ? [{ title: "Actions", isUntitled: true }] : []),
        ],
      },
      loaded.value?.jobs.map((job) => rowOf(job, { isAdmin, now, reload: loaded.reload })),
    ),
  );
}

function rowOf(
  { name, pattern, next_run_at, runs: [last] }: ScheduledJob,
  { isAdmin, now, reload }: { isAdmin: boolean; now: number; reload: () => void },
): View {
  return tr(
    { key: name },
    rowTitle(name),
    td(null, code(null, pattern)),
    figure(format.ago(next_run_at, now)),
    figure(format.ago(last?.started_at, now)),
    figure(last === undefined || last.ended_at === null ? "–" : format.duration(lengthOf(last, last.ended_at))),
    td(null, last === undefined ? "–" : outcomeOf(last)),
    td({ class: "changed" }, last === undefined ? "" : (last.error ?? changesOf(last))),
    isAdmin &&
      td(
        { class: "buttons" },
        h(ActionButton, {
          label: "Run now",
          about: name,
          work: () => send("POST", `/database/maintenance/${name}/run`),
          onDone: reload,
        }),
      ),
  );
}

function lengthOf({ started_at }: JobRun, ended: string): number {
  return Date.parse(ended) - Date.parse(started_at);
}

function outcomeOf({ outcome }: JobRun): View {
  return outcome === null ? status("accent", "runs") : status(tones[outcome], outcome);
}

function changesOf({ changed }: JobRun): string {
  return Object.entries(changed)
    .map(([what, times]) => `${what.replaceAll("_", " ")} ${format.count(times)}`)
    .join(", ");
}
