import type { Histogram, Registry } from "prom-client";

/** Durations of one set of labels. */
export interface DurationSeries {
  observe(durationMs: number): void;
}

export interface DurationHistogram {
  /** The series of these labels, the same one for the same labels as long as the caller keeps it. */
  series(labels: Readonly<Record<string, string | number>>): DurationSeries;
}

export interface DurationHistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending. */
  readonly bucketsSeconds: readonly number[];
  readonly registry: Registry;
}

interface Counted {
  readonly labels: Readonly<Record<string, string | number>>;
  /** Not cumulative; the last one is of what is above all bounds. */
  readonly counts: number[];
  sumMs: number;
}

/**
 * A histogram whose series are counters in arrays. prom-client finds a series anew by hashing its labels for
 * each value, which took longer than finding a value in the cache.
 */
export function createDurationHistogram(options: DurationHistogramOptions): DurationHistogram {
  const { name, help, bucketsSeconds, registry } = options;
  const boundsMs = bucketsSeconds.map((seconds) => seconds * 1_000);
  const all: Counted[] = [];
  const metric = {
    name,
    help,
    type: "histogram",
    aggregator: "sum",
    get: async () => ({
      name,
      help,
      type: "histogram",
      aggregator: "sum",
      values: all.flatMap((counted) => valuesOf(name, bucketsSeconds, counted)),
    }),
    reset() {
      for (const counted of all) {
        counted.counts.fill(0);
        counted.sumMs = 0;
      }
    },
  };
  // The registry asks a metric for its name, its values and to reset, and has no interface for that.
  registry.registerMetric(metric as unknown as Histogram);

  return {
    series(labels) {
      const counted: Counted = { labels, counts: new Array<number>(boundsMs.length + 1).fill(0), sumMs: 0 };
      all.push(counted);
      return {
        observe(durationMs) {
          let at = 0;
          while (at < boundsMs.length && durationMs > (boundsMs[at] ?? 0)) at += 1;
          counted.counts[at] = (counted.counts[at] ?? 0) + 1;
          counted.sumMs += durationMs;
        },
      };
    },
  };
}

function valuesOf(name: string, bounds: readonly number[], { labels, counts, sumMs }: Counted) {
  let count = 0;
  const buckets = counts.map((more, at) => {
    count += more;
    return { metricName: `${name}_bucket`, labels: { le: bounds[at] ?? "+Inf", ...labels }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sumMs / 1_000 },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
