import { h } from "preact";
import { useState } from "preact/hooks";
import * as format from "../format.ts";
import { useLoaded } from "../loading.ts";
import { figure, Grid, rowTitle } from "../parts/grid.ts";
import { nothing, Panel } from "../parts/panel.ts";
import { planLines } from "../plan-lines.ts";
import type { QueryAnalysis, StatementFigures } from "../replies.ts";
import { button, div, label, option, p, pre, select, td, tr, type View } from "../tags.ts";

const orders = {
  total: "total time",
  p95: "95th percentile",
  mean: "mean",
  calls: "calls",
  rows: "rows",
  io: "blocks read",
} as const;
type Order = keyof typeof orders;

const columns = [
  { title: "Statement" },
  { title: "Calls", isNumber: true },
  { title: "Total", isNumber: true },
  { title: "Mean", isNumber: true },
  { title: "p50", isNumber: true },
  { title: "p95", isNumber: true },
  { title: "p99", isNumber: true },
  { title: "Rows", isNumber: true },
  { title: "Errors", isNumber: true },
] as const;

/** Which statements cost the most in the last quarter of an hour, with their plans. */
export function Statements(): View {
  const [order, setOrder] = useState<Order>("total");
  const loaded = useLoaded<QueryAnalysis>(`/database/query-analysis?window=15m&limit=12&sort=${order}`, 15_000);
  const [opened, setOpened] = useState<string | undefined>(undefined);
  const { statements = [], regressions = [] } = loaded.value ?? {};
  return h(
    Panel,
    {
      id: "statements",
      title: "Statements",
      note: "of the last 15 minutes, in the whole fleet",
      isWide: true,
      loaded,
      actions: label(
        null,
        "by ",
        select(
          {
            value: order,
            onChange: ({ currentTarget }) => setOrder(currentTarget.value as Order), // it has no other options
          },
          ...Object.entries(orders).map(([value, text]) => option({ value }, text)),
        ),
      ),
    },
    ...regressions.map((found) =>
      p(
        { class: "fault", role: "status" },
        `${found.statement} got slower with another plan since ${found.since}: ` +
          `${format.duration(found.mean_before_ms)} became ${format.duration(found.mean_after_ms)}`,
      ),
    ),
    statements.length === 0
      ? nothing("No statement was run in this time.")
      : h(
          Grid,
          { label: "Statements", columns },
          statements.flatMap((one) => [
            rowOf(one, opened === one.statement, () => setOpened(opened === one.statement ? undefined : one.statement)),
            opened === one.statement &&
              tr(
                { key: `${one.statement} plans` },
                td({ colSpan: columns.length, class: "opened" }, h(Plans, { statement: one.statement })),
              ),
          ]),
        ),
  );
}

function rowOf(one: StatementFigures, isOpen: boolean, toggle: () => void): View {
  const errors = Object.values(one.errors).reduce((sum, count) => sum + count, 0);
  return tr(
    { key: one.statement },
    rowTitle(button({ type: "button", class: "disclose", "aria-expanded": isOpen, onClick: toggle }, one.statement)),
    figure(format.count(one.calls)),
    figure(format.duration(one.total_ms)),
    figure(format.duration(one.mean_ms)),
    figure(format.duration(one.p50_ms)),
    figure(format.duration(one.p95_ms), one.p95_ms !== null && one.p95_ms > 100 && "warning"),
    figure(format.duration(one.p99_ms)),
    figure(format.count(one.rows)),
    figure(format.count(errors), errors > 0 && "warning"),
  );
}

function Plans({ statement }: { readonly statement: string }): View {
  const loaded = useLoaded<QueryAnalysis>(
    `/database/query-analysis?window=1d&limit=1&statement=${encodeURIComponent(statement)}`,
    60_000,
  );
  if (loaded.error !== undefined) return p({ class: "fault", role: "status" }, loaded.error.message);
  if (loaded.value === undefined) return nothing("Reading …");
  const { plans } = loaded.value;
  if (plans.length === 0) return nothing("No plan of it was looked at yet: slow calls are, and now and then others.");
  return div(
    { class: "plans" },
    ...plans.map((plan) =>
      div(
        { key: plan.last_seen_at },
        p(
          { class: "note" },
          `${plan.slow ? "A slow call" : "A call"} of ${format.duration(plan.duration_ms)}, seen ${plan.seen} times, ` +
            `with ${plan.parameters.length === 0 ? "no parameters" : plan.parameters.join(", ")}`,
        ),
        pre(null, planLines(plan.plan).join("\n")),
      ),
    ),
  );
}
