import { Histogram, type Registry } from "prom-client";
import { type QueryEvent, queryEvents } from "./query-events.ts";

/** Gives the registry a histogram of all statements that this process runs, by name and outcome. */
export function observeStatements(registry: Registry): void {
  const durations = new Histogram({
    name: "millrace_statement_duration_seconds",
    help: "Time of a statement as the client sees it, by the statement's name",
    labelNames: ["statement", "outcome"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  queryEvents.subscribe((message) => {
    const { name, durationMs, error } = message as QueryEvent; // the channel carries nothing else
    durations.observe({ statement: name, outcome: error === undefined ? "ok" : "error" }, durationMs / 1_000);
  });
}
