import { Histogram, type Registry } from "prom-client";
import { type PoolEvent, poolEvents, type QueryEvent, queryEvents } from "./query-events.ts";

/** Gives the registry histograms of all statements of this process, by name and outcome, and of its waits for connections. */
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
  observePool(registry);
}

function observePool(registry: Registry): void {
  const registers = [registry];
  const waits = new Histogram({
    name: "millrace_pool_wait_seconds",
    help: "How long a statement or transaction waited for a connection, or (outcome error) in vain",
    labelNames: ["pool", "outcome"],
    buckets: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    registers,
  });
  const utilisation = new Histogram({
    name: "millrace_pool_utilisation_ratio",
    help: "The share of the pool's connections that are borrowed, each time that one is",
    labelNames: ["pool"],
    buckets: [0.1, 0.25, 0.5, 0.75, 0.9, 1],
    registers,
  });
  const saturation = new Histogram({
    name: "millrace_pool_saturation_ratio",
    help: "Callers that wait for a connection, as a share of the pool's connections, each time that another one comes",
    labelNames: ["pool"],
    buckets: [0, 0.1, 0.25, 0.5, 1, 2, 5],
    registers,
  });
  poolEvents.subscribe((message) => {
    const event = message as PoolEvent; // the channel carries nothing else
    const { pool } = event;
    waits.observe({ pool, outcome: event.hasConnection ? "ok" : "error" }, event.waitMs / 1_000);
    utilisation.observe({ pool }, event.utilisation);
    saturation.observe({ pool }, event.saturation);
  });
}
