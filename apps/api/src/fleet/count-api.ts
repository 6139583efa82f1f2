import type { Cache } from "@millrace/cache";
import type { Counts, Figures } from "@millrace/fleet";
import { type RequestEvent, requestEvents } from "../http/request-events.ts";
import { type IntakeEvent, intakeEvents } from "../intake-events.ts";

/** Counts what only the API does: it answers requests, and accepts events and writes. */
export function countApi(figures: Figures): Disposable {
  const onRequest = (message: unknown): void => {
    const { status, durationMs, isStream } = message as RequestEvent; // the channel carries nothing else
    figures.count("requests");
    if (status >= 500) figures.count("request_errors");
    if (!isStream) figures.time("request", durationMs);
  };
  const onIntake = (message: unknown): void => {
    const event = message as IntakeEvent; // the channel carries nothing else
    if (event.kind === "write") {
      figures.count("writes_accepted");
      return;
    }
    figures.count("events_accepted", event.accepted);
    for (const [code, count] of event.rejected) figures.count(`events_rejected.${code}`, count);
  };
  requestEvents.subscribe(onRequest);
  intakeEvents.subscribe(onIntake);
  return {
    [Symbol.dispose]: () => {
      requestEvents.unsubscribe(onRequest);
      intakeEvents.unsubscribe(onIntake);
    },
  };
}

/** How this process read through its cache, as the cache has counted it. */
export function cacheCounts(cache: Pick<Cache, "report">): Counts {
  return Object.fromEntries(
    cache.report().flatMap(({ name, memoryHits, redisHits, waited, misses, bypasses }) => [
      [`cache_memory_hits.${name}`, memoryHits],
      [`cache_redis_hits.${name}`, redisHits],
      [`cache_waited.${name}`, waited],
      [`cache_misses.${name}`, misses],
      [`cache_bypasses.${name}`, bypasses],
    ]),
  );
}
