/** `skipped`: it could not be looked at, for the reason that `advice` gives; never taken for well. */
export type CheckStatus = "ok" | "warning" | "critical" | "skipped";

export interface HealthCheck {
  readonly id: string;
  readonly status: CheckStatus;
  readonly value: number | null;
  readonly unit: "share" | "seconds" | "bytes" | "count" | "transactions" | "months" | "days";
  readonly warning: number;
  readonly critical: number;
  /** Whether values below the thresholds are the bad ones. */
  readonly isLowBad: boolean;
  /** The worst cases. */
  readonly evidence: readonly Readonly<Record<string, unknown>>[];
  readonly advice: string;
}

export interface Threshold {
  readonly id: string;
  readonly unit: HealthCheck["unit"];
  readonly warning: number;
  readonly critical: number;
  readonly isLowBad?: boolean;
  readonly advice: string;
}

/** Holds a value against its thresholds. */
export function checked(
  threshold: Threshold,
  value: number | undefined,
  evidence: HealthCheck["evidence"] = [],
): HealthCheck {
  const { id, unit, warning, critical, isLowBad = false, advice } = threshold;
  const known = { id, value: value ?? null, unit, warning, critical, isLowBad, evidence };
  if (value === undefined) return { ...known, status: "skipped", advice: "There are not enough samples yet" };
  const isBeyond = (limit: number): boolean => (isLowBad ? value <= limit : value >= limit);
  const status = isBeyond(critical) ? "critical" : isBeyond(warning) ? "warning" : "ok";
  return { ...known, status, advice: status === "ok" ? "" : advice };
}

/** The check could not be made. */
export function skipped({ id, unit, warning, critical, isLowBad = false }: Threshold, why: string): HealthCheck {
  return { id, status: "skipped", value: null, unit, warning, critical, isLowBad, evidence: [], advice: why };
}
