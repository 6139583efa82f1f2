import type { AlertRule } from "./rule.ts";

export interface Observation {
  readonly value: number | undefined;
  /** How much the value was made from. */
  readonly samples: number;
}

export interface AlertState {
  readonly state: "ok" | "pending" | "firing";
  /** When it came to be in that state; while it is pending, so long ago as it was seen to be bad. */
  readonly since: Date;
  readonly value: number | null;
  /** When there was a value last. */
  readonly seenAt: Date;
  readonly lookedAt: Date;
  /** What those who are told of it believe. */
  readonly isToldFiring: boolean;
}

export type AlertTurn = "firing" | "resolved";

export interface Step {
  readonly next: AlertState;
  /** What happened, for the history. */
  readonly event: AlertTurn | undefined;
  /** What is to be told now: what happened, or what was kept back by a silence that is over. */
  readonly tell: AlertTurn | undefined;
}

/** Looks are a minute apart, or a little more; of a longer pause nobody knows what was in it, and it counts no more. */
const longestPauseMs = 75_000;

/**
 * The state of an alert after one more look. It holds whatever comes: a value between the two thresholds keeps what
 * was, and so do gaps, unless the rule says otherwise. The wait before it fires is made of what was looked at, so that
 * neither a clock that jumps nor an hour without anybody who looked makes it shorter or longer. Nothing is told while
 * it is silenced; what is told afterwards is how it stands then, if that is not what was told last.
 */
export function step(
  rule: AlertRule,
  before: AlertState | undefined,
  look: Observation,
  now: Date,
  isSilenced = false,
): Step {
  const known = before ?? {
    state: "ok",
    since: now,
    value: null,
    seenAt: now,
    lookedAt: now,
    isToldFiring: false,
  };
  const { state, since } = turned(rule, known, verdictOf(rule, look, known.state), now);
  const isFiring = state === "firing";
  const event = isFiring === (known.state === "firing") ? undefined : isFiring ? "firing" : "resolved";
  const tell = isSilenced || isFiring === known.isToldFiring ? undefined : isFiring ? "firing" : "resolved";
  const next: AlertState = {
    state,
    since,
    value: look.value ?? known.value,
    seenAt: look.value === undefined ? known.seenAt : now,
    lookedAt: now,
    isToldFiring: tell === undefined ? known.isToldFiring : isFiring,
  };
  return { next, event, tell };
}

type Verdict = "bad" | "good" | "unknown";

function turned(
  { for_seconds }: AlertRule,
  known: AlertState,
  verdict: Verdict,
  now: Date,
): Pick<AlertState, "state" | "since"> {
  const stays = { state: known.state, since: known.since > now ? now : known.since };
  switch (known.state) {
    case "ok":
      return verdict === "bad" ? { state: for_seconds === 0 ? "firing" : "pending", since: now } : stays;
    case "pending": {
      // A pause in what is bad begins the wait anew; a gap in what is known does not.
      if (verdict === "good") return { state: "ok", since: now };
      const since = waitingSince(known, now);
      const isOver = now.getTime() - since.getTime() >= for_seconds * 1_000;
      return verdict === "bad" && isOver ? { state: "firing", since: now } : { state: "pending", since };
    }
    case "firing":
      return verdict === "good" ? { state: "ok", since: now } : stays;
  }
}

/** Moves the begin of the wait by as much as the clock moved beyond what counts. */
function waitingSince({ since, lookedAt }: AlertState, now: Date): Date {
  const pauseMs = now.getTime() - lookedAt.getTime();
  const countedMs = Math.min(Math.max(pauseMs, 0), longestPauseMs);
  return new Date(since.getTime() + pauseMs - countedMs);
}

function verdictOf(
  { fire_at, clear_at, low_is_bad, min_samples, no_data }: AlertRule,
  { value, samples }: Observation,
  state: AlertState["state"],
): Verdict {
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
