async function metrics(url: string, key: string): Promise<string> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return await response.text();
}

/** The rows that the worker has committed since it started. */
export async function rowsCommitted(url: string, key: string): Promise<number> {
  const text = await metrics(url, key);
  return Number(/^millrace_event_rows_total\{outcome="inserted".*\} (\d+)/m.exec(text)?.[1] ?? 0);
}

/** Percentiles of the time from accept to commit, read off the worker's histogram (steps of a quarter). */
export async function latencyPercentiles(url: string, key: string): Promise<{ p50Ms: number; p99Ms: number }> {
  const text = await metrics(url, key);
  const buckets = [...text.matchAll(/^millrace_accept_to_commit_seconds_bucket\{le="([^"]+)".*\} (\d+)$/gm)].map(
    ([, bound, count]) => ({
      bound: bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound),
      count: Number(count),
    }),
  );
  const total = buckets.at(-1)?.count ?? 0;
  const percentile = (share: number): number => {
    const at = buckets.findIndex(({ count }) => count >= total * share);
    return Math.round((buckets[at]?.bound ?? 0) * 10_000) / 10;
  };
  return { p50Ms: percentile(0.5), p99Ms: percentile(0.99) };
}
