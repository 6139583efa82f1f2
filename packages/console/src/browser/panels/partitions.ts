import { h } from "preact";
import * as format from "../format.ts";
import { useLoaded } from "../loading.ts";
import { figure, Grid, rowTitle } from "../parts/grid.ts";
import { nothing, Panel } from "../parts/panel.ts";
import type { Partition } from "../replies.ts";
import { details, div, li, ol, span, summary, td, tr, type View } from "../tags.ts";

const barHeight = 84;
type Kind = "coming" | "open" | "closed" | "frozen" | "leaving";
const kinds: Readonly<Record<Kind, string>> = {
  frozen: "closed and frozen",
  closed: "closed",
  open: "this month",
  coming: "made ahead",
  leaving: "taken out by retention",
};

/** The months of the telemetry, their sizes, and what retention does with them. */
export function Partitions({ now }: { readonly now: number }): View {
  const loaded = useLoaded<{ readonly partitions: readonly Partition[] }>("/database/partitions", 60_000);
  const all = loaded.value?.partitions.toSorted((one, other) => one.month.localeCompare(other.month)) ?? [];
  const total = all.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  const month = new Date(now).toISOString().slice(0, 7);
  const ahead = all.filter((one) => one.state === "attached" && one.month > month).length;
  return h(
    Panel,
    {
      id: "partitions",
      title: "Partitions",
      note: `${all.length} months, ${format.bytes(total)}, ${ahead} made ahead`,
      isWide: true,
      loaded,
    },
    all.length === 0 ? nothing("There is no partition yet.") : timeline(all, month),
    all.length > 0 && listOf(all, month, now),
  );
}

function kindOf({ state, month, settled_at }: Partition, thisMonth: string): Kind {
  if (state !== "attached") return "leaving";
  if (month > thisMonth) return "coming";
  if (month === thisMonth) return "open";
  return settled_at === null ? "closed" : "frozen";
}

function timeline(all: readonly Partition[], thisMonth: string): View {
  const largest = Math.max(1, ...all.map(({ bytes }) => bytes ?? 0));
  const shown = all.map((one) => ({ ...one, kind: kindOf(one, thisMonth) }));
  const used = Object.entries(kinds).filter(([kind]) => shown.some((one) => one.kind === kind));
  return div(
    null,
    div(
      { class: "scroll", role: "region", "aria-label": "Sizes of the months", tabIndex: 0 },
      ol(
        { class: "timeline" },
        ...shown.map(({ name, month, bytes, kind }, at) =>
          li(
            { key: name, title: `${month}: ${format.bytes(bytes)}, ${kinds[kind]}` },
            span({ class: "aloud" }, `${month}: ${format.bytes(bytes)}, ${kinds[kind]}`),
            span({
              class: `bar ${kind}`,
              style: { height: `${Math.max(2, Math.round(((bytes ?? 0) / largest) * barHeight))}px` },
            }),
            span(
              { class: "when", "aria-hidden": "true" },
              month.slice(5),
              span(
                { class: "year" },
                at === 0 || shown[at - 1]?.month.slice(0, 4) !== month.slice(0, 4) ? month.slice(0, 4) : " ",
              ),
            ),
          ),
        ),
      ),
    ),
    ol(
      { class: "legend" },
      ...used.map(([kind, text]) => li({ key: kind }, span({ class: `swatch bar ${kind}` }), text)),
    ),
  );
}

function listOf(all: readonly Partition[], thisMonth: string, now: number): View {
  return details(
    null,
    summary(null, "As a table"),
    h(
      Grid,
      {
        label: "Partitions",
        columns: [
          { title: "Partition" },
          { title: "State" },
          { title: "Size", isNumber: true },
          { title: "Rows, estimated", isNumber: true },
          { title: "Retention" },
        ],
      },
      all
        .toReversed()
        .map((one) =>
          tr(
            { key: one.name },
            rowTitle(one.name),
            td(null, kinds[kindOf(one, thisMonth)]),
            figure(format.bytes(one.bytes)),
            figure(one.rows < 0 ? "–" : format.count(one.rows)),
            td(null, retentionOf(one, now)),
          ),
        ),
    ),
  );
}

function retentionOf({ state, detached_at, detach_reason, export_file }: Partition, now: number): string {
  if (state === "attached") return "";
  const left = `${state} ${format.ago(detached_at, now)}${detach_reason === null ? "" : `: ${detach_reason}`}`;
  return export_file === null ? left : `${left}; written to ${export_file}`;
}
