export interface Median {
  readonly median: number;
  /** The median of all that could have been measured is between these, in 95 of 100 cases. */
  readonly from: number;
  readonly to: number;
}

/** The median of what was measured, with the interval that the ranks beside it give: nothing is assumed of the noise. */
export function medianOf(values: readonly number[]): Median {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (rank: number): number => sorted[Math.min(sorted.length - 1, Math.max(0, rank))] ?? Number.NaN;
  const half = (sorted.length - 1) / 2;
  const reach = 0.98 * Math.sqrt(sorted.length);
  return {
    median: (at(Math.floor(half)) + at(Math.ceil(half))) / 2,
    from: at(Math.floor(half - reach)),
    to: at(Math.ceil(half + reach)),
  };
}
