import type { Registry } from "prom-client";

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

const openMetricsType = "application/openmetrics-text";

/** All figures in the format that the header `Accept` prefers: OpenMetrics 1.0, or else Prometheus' text format. */
export async function metricsText(registry: Registry, accept: string | undefined): Promise<MetricsText> {
  const text = await registry.metrics();
  if (!prefersOpenMetrics(accept)) return { contentType: registry.contentType, text };
  return { contentType: `${openMetricsType}; version=1.0.0; charset=utf-8`, text: openMetricsOf(text) };
}

/**
 * The registry would write it too, and would leave out `_total` from then on in the other format. What differs: the
 * family of a counter has no `_total`, there are no empty lines, and the end is marked.
 */
function openMetricsOf(text: string): string {
  const counters = new Set([...text.matchAll(/^# TYPE (\S+)_total counter$/gm)].map(([, family]) => family));
  const lines = text.split("\n").flatMap((line) => {
    if (line === "") return [];
    const [, comment = "", family, rest = ""] = /^(# (?:HELP|TYPE)) (\S+)_total( .*)$/.exec(line) ?? [];
    return counters.has(family) ? `${comment} ${family}${rest}` : line;
  });
  return `${lines.join("\n")}\n# EOF\n`;
}

/** Weighs as RFC 9110 has it: the higher `q`, and for equal ones what stands first. */
function prefersOpenMetrics(accept = ""): boolean {
  const wanted = accept.split(",").map((part) => {
    const [type = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    return { type, q: q === undefined ? 1 : Number(q.slice(2)) || 0 };
  });
  const best = wanted.reduce((found, one) => (one.q > found.q ? one : found), { type: "", q: 0 });
  return best.type === openMetricsType;
}
