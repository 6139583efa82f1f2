import { hostname } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import process from "node:process";
import type { Counts, Figures } from "./figures.ts";
import { createHistory } from "./history.ts";
import type { ProcessReport } from "./process-report.ts";

export interface ProcessOptions {
  /** Names it, differently from all others that ever were. */
  readonly id: string;
  readonly app: string;
  readonly version: string;
  readonly figures: Figures;
  readonly pool: () => {
    readonly max: number;
    readonly total: number;
    readonly idle: number;
    readonly waiting: number;
  };
  /** What works on jobs in it, if anything does. */
  readonly workers?: () => Pick<ProcessReport, "jobs" | "consumers">;
}

const recentMs = 10_000;
/** Node measures from one tick of a timer to the next, so that an idle loop shows the timer's own interval. */
const lagResolutionMs = 10;

/** Looks at this process. Each call of the function tells what happened since the last one. */
export function describeProcess(options: ProcessOptions): Disposable & { report(): ProcessReport } {
  const { id, app, version, figures, pool, workers = () => ({ jobs: [], consumers: [] }) } = options;
  const startedAt = new Date(performance.timeOrigin).toISOString();
  const history = createHistory(recentMs);
  const lag = monitorEventLoopDelay({ resolution: lagResolutionMs });
  lag.enable();
  let cpu = { usage: process.cpuUsage(), atMs: performance.now() };

  function cpuShare(): number {
    const { user, system } = process.cpuUsage(cpu.usage);
    const elapsedMs = performance.now() - cpu.atMs;
    cpu = { usage: process.cpuUsage(), atMs: performance.now() };
    return elapsedMs === 0 ? 0 : (user + system) / 1_000 / elapsedMs;
  }

  function lagMs(): number {
    const p99Ms = lag.count === 0 ? 0 : lag.percentile(99) / 1e6 - lagResolutionMs;
    lag.reset();
    return Math.max(0, p99Ms);
  }

  return {
    report() {
      const counts = figures.read();
      history.note({ atMs: performance.now(), counts });
      const { max, total, idle, waiting } = pool();
      return {
        id,
        app,
        host: hostname(),
        pid: process.pid,
        version,
        started_at: startedAt,
        rss_bytes: process.memoryUsage.rss(),
        cpu_share: cpuShare(),
        loop_lag_p99_ms: lagMs(),
        pool: { max, size: total, in_use: total - idle, waiting },
        ...workers(),
        counts: withoutDurations(counts),
        last: history.last(),
        recent: history.recent(),
      };
    },
    [Symbol.dispose]: () => {
      lag.disable();
    },
  };
}

function withoutDurations(counts: Counts): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([name]) => !name.includes(":")));
}
