import { h } from "preact";
import * as format from "../format.ts";
import type { LiveState } from "../live.ts";
import { LineChart } from "../parts/line-chart.ts";
import { Panel } from "../parts/panel.ts";
import type { View } from "../tags.ts";

type Needs = Pick<LiveState, "history" | "live">;

const height = 168;

/** How many events come in and how many are stored. */
export function IngestChart({ history, live }: Needs): View {
  const rejected = live?.rates.rejected;
  return h(
    Panel,
    { id: "ingest", title: "Ingest", note: `events a second; ${format.rate(rejected)} rejected` },
    h(LineChart, {
      label: "Events accepted and committed a second, over the last half hour",
      times: history.map(({ time }) => time),
      series: [
        { label: "committed", values: history.map(({ committed }) => committed), color: "--series-1", isFilled: true },
        { label: "accepted", values: history.map(({ accepted }) => accepted), color: "--series-2" },
      ],
      unit: format.count,
      height,
    }),
  );
}

/** How long an event takes from the API to the COMMIT, and how long the oldest job waits. */
export function LatencyChart({ history }: Pick<Needs, "history">): View {
  return h(
    Panel,
    { id: "latency", title: "Accept to commit", note: "and the oldest waiting job" },
    h(LineChart, {
      label: "Accept to commit, median and 99th percentile, and the wait of the oldest job, over the last half hour",
      times: history.map(({ time }) => time),
      series: [
        { label: "p50", values: history.map(({ p50 }) => p50), color: "--series-1" },
        { label: "p99", values: history.map(({ p99 }) => p99), color: "--series-2" },
        { label: "oldest", values: history.map(({ oldest }) => oldest), color: "--series-3" },
      ],
      unit: format.duration,
      height,
    }),
  );
}
