import * as format from "../format.ts";
import { oldestWaitOf } from "../history.ts";
import type { LiveState } from "../live.ts";
import type { Tone } from "../parts/status.ts";
import type { Alerts, Live } from "../replies.ts";
import { a, li, span, ul, type View } from "../tags.ts";

interface Tile {
  readonly label: string;
  readonly value: string;
  readonly more: string;
  readonly tone?: Tone | undefined;
  /** The panel that tells more. */
  readonly panel: string;
}

/** What an operator looks at first, in one line: each leads to the panel that tells more. */
export function Overview({ live, alerts }: Pick<LiveState, "live"> & { readonly alerts: Alerts | undefined }): View {
  return ul(
    { class: "tiles", "aria-label": "Overview" },
    ...tilesOf(live, alerts).map(({ label, value, more, tone, panel }) =>
      li(
        null,
        a(
          { class: tone === undefined ? "tile" : `tile ${tone}`, href: `#${panel}` },
          span({ class: "label" }, label),
          span({ class: "value" }, value),
          span({ class: "more" }, more),
        ),
      ),
    ),
  );
}

function tilesOf(live: Live | undefined, alerts: Alerts | undefined): Tile[] {
  const latency = live?.latency.accept_to_commit;
  const waiting = live?.queues.reduce((sum, queue) => sum + queue.waiting, 0);
  const oldest = live && oldestWaitOf(live);
  const firing = alerts?.alerts.filter(({ state }) => state === "firing");
  const workers = live?.processes.filter(({ app }) => app === "worker").length;
  const apis = live && live.processes.length - (workers ?? 0);
  const pool = live?.pool;
  return [
    {
      label: "Committed",
      value: format.rate(live?.rates.committed),
      more: `${format.rate(live?.rates.accepted)} accepted`,
      panel: "ingest",
    },
    {
      label: "Accept to commit",
      value: format.duration(latency?.p50_ms),
      more: `p99 ${format.duration(latency?.p99_ms)}`,
      panel: "latency",
    },
    {
      label: "Oldest waiting",
      value: format.duration(oldest),
      more: `${format.count(waiting)} jobs wait`,
      tone: oldest === undefined || oldest < 10_000 ? undefined : oldest < 60_000 ? "warning" : "critical",
      panel: "queues",
    },
    {
      label: "Workers",
      value: format.count(workers),
      more: `beside ${apis === 1 ? "one API" : `${format.count(apis)} APIs`}`,
      tone: workers === 0 ? "critical" : undefined,
      panel: "workers",
    },
    {
      label: "Cache hits",
      value: format.share(hitShareOf(live)),
      more: `${format.rate(live?.cache.reduce((sum, { reads }) => sum + reads, 0))} reads`,
      panel: "cache",
    },
    {
      label: "Pool in use",
      value: pool === undefined ? "–" : `${pool.in_use} of ${pool.max}`,
      more: `wait p99 ${format.duration(pool?.wait_p99_ms)}`,
      tone: pool !== undefined && pool.waiting > 0 ? "warning" : undefined,
      panel: "workers",
    },
    {
      label: "Dead letters",
      value: format.count(live?.dead_letters),
      more: `${format.rate(live?.rates.dead)} more`,
      tone: (live?.dead_letters ?? 0) > 0 ? "warning" : undefined,
      panel: "dead-letters",
    },
    {
      label: "Alerts",
      value: format.count(firing?.length),
      more: firing?.[0]?.rule ?? "none fires",
      tone: toneOf(firing),
      panel: "alerts",
    },
  ];
}

function hitShareOf(live: Live | undefined): number | null {
  const reads = live?.cache.reduce((sum, one) => sum + one.reads, 0) ?? 0;
  const hits = live?.cache.reduce((sum, one) => sum + one.reads * (one.hit_share ?? 0), 0) ?? 0;
  return reads === 0 ? null : hits / reads;
}

function toneOf(firing: Alerts["alerts"] | undefined): Tone | undefined {
  if (firing === undefined || firing.length === 0) return undefined;
  return firing.some(({ severity }) => severity === "critical") ? "critical" : "warning";
}
