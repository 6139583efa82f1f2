import { h } from "preact";
import * as format from "../format.ts";
import { figure, Grid, rowTitle } from "../parts/grid.ts";
import { nothing, Panel } from "../parts/panel.ts";
import type { Live, Process } from "../replies.ts";
import { span, td, tr, type View } from "../tags.ts";

/** Every process of the fleet, and what it does. */
export function Workers({ live, now }: { readonly live: Live | undefined; readonly now: number }): View {
  const processes = live?.processes.toSorted(
    (one, other) => other.app.localeCompare(one.app) || one.id.localeCompare(other.id),
  );
  return h(
    Panel,
    {
      id: "workers",
      title: "Processes",
      note: `PostgreSQL answers in ${format.duration(live?.database.latency_ms)}`,
      isWide: true,
    },
    processes === undefined
      ? nothing("Reading …")
      : h(
          Grid,
          {
            label: "Processes",
            columns: [
              { title: "Process" },
              { title: "Does" },
              { title: "Rows/s", isNumber: true },
              { title: "Requests/s", isNumber: true },
              { title: "Pool", isNumber: true },
              { title: "CPU", isNumber: true },
              { title: "Loop lag p99", isNumber: true },
              { title: "Memory", isNumber: true },
              { title: "Up", isNumber: true },
            ],
          },
          processes.map((one) => rowOf(one, now)),
        ),
  );
}

function rowOf(one: Process, now: number): View {
  const lag = one.loop_lag_p99_ms;
  const { pool, rates } = one;
  return tr(
    { key: one.id },
    rowTitle(one.app, span({ class: "note" }, ` ${one.host}:${one.pid}`)),
    td({ class: "jobs" }, jobsOf(one)),
    figure(one.app === "worker" ? format.count(rates.rows) : "–"),
    figure(one.app === "api" ? format.count(rates.requests) : "–"),
    figure(`${pool.in_use}/${pool.max}`, pool.waiting > 0 && "warning"),
    figure(format.share(one.cpu_share)),
    figure(format.duration(lag), lag !== null && (lag >= 250 ? "critical" : lag >= 100 && "warning")),
    figure(format.bytes(one.rss_bytes)),
    figure(format.ago(one.started_at, now).replace(" ago", "")),
  );
}

function jobsOf({ app, jobs, rates }: Process): string {
  if (app === "api") return "serves requests";
  if (jobs.length === 0) return rates.jobs ? `${format.count(rates.jobs)} jobs/s` : "waits for work";
  return jobs
    .map(({ name, running, oldest_ms }) => `${name} ×${running}, ${format.duration(Math.round(oldest_ms))}`)
    .join("; ");
}
