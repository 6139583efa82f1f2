import type { DatabaseSample, SampleRow } from "./sample.ts";

type Counter = Extract<keyof DatabaseSample, `${string}_total`>;

/** What a counter grew by from the first to the last sample; a reset in between counts from zero. */
export function growthOf(samples: readonly SampleRow[], counter: Counter): number {
  const known = samples.flatMap(({ sample }) => sample[counter] ?? []);
  let growth = 0;
  for (const [index, now] of known.entries()) {
    const before = known[index - 1];
    if (before !== undefined) growth += now >= before ? now - before : now;
  }
  return growth;
}

/** Bytes a day, by least squares through the samples; `undefined` for less than an hour of them. */
export function growthPerDay(samples: readonly SampleRow[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  if (last.taken_at.getTime() - first.taken_at.getTime() < 3_600_000) return undefined;
  const points = samples.map(({ taken_at, sample }) => ({
    days: (taken_at.getTime() - first.taken_at.getTime()) / 86_400_000,
    bytes: sample.database_bytes,
  }));
  const mean = (of: (point: (typeof points)[number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [days, bytes] = [mean((point) => point.days), mean((point) => point.bytes)];
  return mean((point) => (point.days - days) * (point.bytes - bytes)) / mean((point) => (point.days - days) ** 2);
}
