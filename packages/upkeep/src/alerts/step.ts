import type { AlertRule } from "./rule.ts";

export interface Observation {
  readonly value: number | undefined;
  /** How much the value was made from. */
  readonly samples: number;
}

export interface AlertState {
  readonly state: "ok" | "pending" | "firing";
  /** When it came to be in that state. */
  readonly since: Date;
  readonly value: number | null;
  /** When there was a value last. */
  readonly seenAt: Date;
}

export interface Step {
  readonly next: AlertState;
  /** What is to be told, if anything. */
  readonly event: "firing" | "resolved" | undefined;
}

/**
 * The state of an alert after one more look. It holds whatever comes: a value between the two thresholds keeps what
 * was, and so do gaps, unless the rule says otherwise. A clock that was set back makes it wait from then on, one that
 * jumped ahead by more than the wait makes it fire a little early; neither makes it forget.
 */
export function step(rule: AlertRule, before: AlertState | undefined, look: Observation, now: Date): Step {
  const known = before ?? { state: "ok", since: now, value: null, seenAt: now };
  const verdict = verdictOf(rule, look, known.state);
  const value = look.value ?? known.value;
  const seenAt = look.value === undefined ? known.seenAt : now;
  const stay = { ...known, value, seenAt, since: known.since > now ? now : known.since };
  switch (known.state) {
    case "ok":
      if (verdict !== "bad") return { next: stay, event: undefined };
      if (rule.for_seconds === 0) return { next: { state: "firing", since: now, value, seenAt }, event: "firing" };
      return { next: { state: "pending", since: now, value, seenAt }, event: undefined };
    case "pending":
      // A pause in what is bad begins the wait anew; a gap in what is known does not.
      if (verdict === "good") return { next: { state: "ok", since: now, value, seenAt }, event: undefined };
      if (verdict === "unknown" || now.getTime() - stay.since.getTime() < rule.for_seconds * 1_000) {
        return { next: stay, event: undefined };
      }
      return { next: { state: "firing", since: now, value, seenAt }, event: "firing" };
    case "firing":
      if (verdict !== "good") return { next: stay, event: undefined };
      return { next: { state: "ok", since: now, value, seenAt }, event: "resolved" };
  }
}

function verdictOf(
  { fire_at, clear_at, low_is_bad, min_samples, no_data }: AlertRule,
  { value, samples }: Observation,
  state: AlertState["state"],
): "bad" | "good" | "unknown" {
  if (value === undefined || samples < min_samples) {
    return no_data === "hold" ? "unknown" : no_data === "fire" ? "bad" : "good";
  }
  const isBeyond = (limit: number): boolean => (low_is_bad ? value <= limit : value >= limit);
  const isClear = low_is_bad ? value >= clear_at : value <= clear_at;
  if (isBeyond(fire_at)) return "bad";
  if (isClear) return "good";
  // Between the two: what fires goes on to, what does not begins anew.
  return state === "firing" ? "unknown" : "good";
}
