import type { Principal } from "@millrace/access";
import type { Db } from "@millrace/db";
import type { Queues } from "@millrace/jobs";
import { type Logger, startLoop } from "@millrace/runtime";
import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import { createKeyRates, type RatePolicy } from "./key-rates.ts";
import type { PressureLimits } from "./pressure.ts";
import { registerAdmission } from "./register-admission.ts";
import { connectSharedCounts } from "./shared-counts.ts";
import { watchPressure } from "./watch-pressure.ts";

export interface AdmissionOptions {
  readonly pressure: PressureLimits;
  /** Of each key that has no limits of its own; 0 for none. */
  readonly rates: { readonly eventsPerSecond: number; readonly eventsPerDay: number };
  /** The Redis in which processes share what they counted. */
  readonly counts: { readonly url: string; readonly prefix: string };
}

interface AdmissionNeeds extends AdmissionOptions {
  readonly db: Db;
  readonly queues: Queues;
  readonly metrics: Registry;
  readonly log: Logger;
}

const syncMs = 250;

export interface Admission extends AsyncDisposable {
  /** Must be told of the bytes that are put into the queue. */
  passed(bytes: number): void;
  /** Why no events are let in at the moment. */
  reason(): string | undefined;
}

/** Watches in the background what admission is decided by, and decides it, until disposed. */
export function startAdmission(app: FastifyInstance, needs: AdmissionNeeds): Admission {
  const { db, queues, metrics, log, pressure: limits, rates: limitsOfAll, counts } = needs;
  const running = new AsyncDisposableStack();
  const onChange = (reason: string | undefined, readings: object): void => {
    if (reason === undefined) log.info(readings, "events are let in again");
    else log.warn({ reason, ...readings }, "events are refused for now");
  };
  const pressure = running.use(watchPressure({ db, queues, limits, onChange }));
  const shared = running.use(
    connectSharedCounts({
      ...counts,
      onError: (err) => log.warn({ err }, "rates are not shared with other processes: their Redis has a fault"),
    }),
  );
  const rates = createKeyRates({ shared });
  // What could not be told is told the next time; the connection has reported why.
  running.use(startLoop({ everyMs: syncMs, tick: () => rates.sync(), onError: () => {} }));
  registerAdmission(app, { pressure, rates, policiesOf: policiesFor(limitsOfAll), registry: metrics });
  return { passed: pressure.passed, reason: pressure.reason, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

const windows = { second: 10, day: 86_400 };

/** The policies of a key: its own limits, or else those of all keys. */
function policiesFor(ofAll: AdmissionOptions["rates"]): (principal: Principal) => readonly RatePolicy[] {
  const made = new WeakMap<Principal, readonly RatePolicy[]>();
  const make = (principal: Principal): readonly RatePolicy[] => {
    const perSecond = principal.eventsPerSecond ?? ofAll.eventsPerSecond;
    const perDay = principal.eventsPerDay ?? ofAll.eventsPerDay;
    const burst = { name: "events", events: perSecond * windows.second, windowSeconds: windows.second };
    const quota = { name: "events-a-day", events: perDay, windowSeconds: windows.day };
    return [burst, quota].filter(({ events }) => events > 0);
  };
  return (principal) => {
    const known = made.get(principal) ?? make(principal);
    made.set(principal, known);
    return known;
  };
}
