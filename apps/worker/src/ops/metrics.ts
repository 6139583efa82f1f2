import { observeStatements } from "@millrace/db";
import { type JobEvent, jobEvents, type Workers } from "@millrace/jobs";
import type { Logger } from "@millrace/runtime";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { type EventsEvent, eventsEvents } from "../events/import-events.ts";
import { type WritesEvent, writesEvents } from "../writes/apply-writes.ts";

/** A transaction of events that takes longer is told of. */
const slowBatchMs = 5_000;
const statementBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const waitBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];
/** From 1 ms to 100 s in steps of a quarter, so that percentiles read off it are close. */
const latencyBuckets = Array.from({ length: 53 }, (_, step) => Number((0.001 * 1.25 ** step).toPrecision(3)));

/** Shows what the consumers of this process are doing. */
export function observeWorkers(registry: Registry, workers: Workers): void {
  new Gauge({
    name: "millrace_oldest_job_run_seconds",
    help: "How long the oldest job under way in this process has been run",
    registers: [registry],
    collect() {
      this.set(workers.oldestRunMs() / 1_000);
    },
  });
}

/** Turns what the worker reports into metrics and log lines. */
export function observeWorker(registry: Registry, log: Logger): { readonly restarts: Counter<"queue"> } {
  const registers = [registry];
  const acceptToCommit = new Histogram({
    name: "millrace_accept_to_commit_seconds",
    help: "From the arrival of a job's oldest event at the API to the COMMIT that holds it",
    buckets: latencyBuckets,
    registers,
  });
  const rows = new Counter({
    name: "millrace_event_rows_total",
    help: "Rows by what became of them",
    labelNames: ["outcome"],
    registers,
  });
  const batches = new Counter({
    name: "millrace_event_batches_total",
    help: "Transactions that stored events",
    registers,
  });
  const delays = new Counter({
    name: "millrace_event_delays_total",
    help: "Batches that PostgreSQL could not take at once",
    registers,
  });
  eventsEvents.subscribe((message) => {
    const event = message as EventsEvent; // the channel carries nothing else
    if (event.kind === "delayed") {
      delays.inc();
      log.warn(
        { err: event.error, attempt: event.attempt },
        "PostgreSQL cannot take events; they wait and are tried again",
      );
      return;
    }
    const now = Date.now();
    for (const { receivedAt } of event.jobs) acceptToCommit.observe(Math.max(0, now - receivedAt) / 1_000);
    batches.inc();
    rows.inc({ outcome: "inserted" }, event.counts.inserted);
    rows.inc({ outcome: "quarantined" }, event.counts.quarantined);
    rows.inc({ outcome: "dead_lettered" }, event.counts.deadLettered);
    // Its jobs and requests are added by the logger. A long one is worth a line whoever follows none.
    log[event.storeMs > slowBatchMs ? "warn" : "debug"](
      { ...event.counts, storeMs: Math.round(event.storeMs) },
      "events are committed",
    );
    if (event.counts.deadLettered > 0)
      log.error({ rows: event.counts.deadLettered }, "events that PostgreSQL refuses are in dead_letters");
  });

  const acceptToApplied = new Histogram({
    name: "millrace_write_accept_to_commit_seconds",
    help: "From the arrival of a write at the API to the end of the transaction that applied it and its invalidations",
    buckets: latencyBuckets,
    registers,
  });
  const writes = new Counter({
    name: "millrace_writes_total",
    help: "Writes to the domain by kind and what became of them",
    labelNames: ["kind", "outcome"],
    registers,
  });
  writesEvents.subscribe((message) => {
    const { applied, acceptedAt } = message as WritesEvent; // the channel carries nothing else
    log.debug({ outcomes: applied.map(({ outcome }) => outcome) }, "writes are committed and settled");
    for (const { kind, outcome } of applied) writes.inc({ kind, outcome });
    const now = Date.now();
    for (const at of acceptedAt) acceptToApplied.observe(Math.max(0, now - at) / 1_000);
  });

  const jobRuns = new Histogram({
    name: "millrace_job_run_seconds",
    help: "Time a handler took, by job",
    labelNames: ["job", "outcome"],
    buckets: statementBuckets,
    registers,
  });
  const jobWaits = new Histogram({
    name: "millrace_job_wait_seconds",
    help: "From the moment a job was added to the moment a worker took it, by job",
    labelNames: ["job"],
    buckets: waitBuckets,
    registers,
  });
  jobEvents.subscribe((message) => {
    const { name, waitMs, runMs, error } = message as JobEvent; // the channel carries nothing else
    jobRuns.observe({ job: name, outcome: error === undefined ? "ok" : "error" }, runMs / 1_000);
    jobWaits.observe({ job: name }, waitMs / 1_000);
    if (error !== undefined) log.error({ err: error, job: name }, "a job failed");
  });

  observeStatements(registry);
  const restarts = new Counter({
    name: "millrace_worker_restarts_total",
    help: "Consumers that were started anew because work waited and they took none",
    labelNames: ["queue"] as const,
    registers,
  });
  return { restarts };
}
