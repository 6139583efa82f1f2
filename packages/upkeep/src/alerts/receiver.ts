import type { AlertEvent } from "./alert-statements.ts";
import { type AlertRule, runbookUrl, unitOf } from "./rule.ts";

/** What is told: what happened, and what helps whoever reads it. */
export interface Telling extends AlertEvent {
  readonly unit: string | null;
  /** Where it is told what to do; empty for a rule that is gone. */
  readonly runbook: string;
}

export interface Refusal {
  readonly error: string;
  /** When it wants to be asked again, if it said so. */
  readonly retryAfterMs?: number | undefined;
}

/** Somebody who is told of alerts. */
export interface Receiver {
  /** Names it where its address is not to be seen, the same in all processes. */
  readonly id: string;
  /** Gives what went wrong, if anything; does not reject. */
  take(telling: Telling): Promise<Refusal | undefined>;
  /** For one that forgets what it is not told again and again: what fires. */
  remind?(firing: readonly Telling[]): Promise<Refusal | undefined>;
}

export type TellOf = (event: AlertEvent) => Telling;

/** Adds what the rules know to what happened. */
export function createTellOf(rules: readonly AlertRule[], publicUrl: string | undefined): TellOf {
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  return (event) => {
    const rule = byId.get(event.rule);
    return {
      ...event,
      unit: rule === undefined ? null : unitOf(rule),
      runbook: rule === undefined ? "" : runbookUrl(rule, publicUrl),
    };
  };
}

export interface AlertLog {
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
}

/** The log of whichever process does the telling. */
export function logReceiver(log: AlertLog): Receiver {
  return {
    id: "log",
    async take(telling) {
      log[telling.event === "firing" ? "warn" : "info"]({ alert: telling }, `alert ${telling.rule}: ${telling.event}`);
      return undefined;
    },
  };
}
