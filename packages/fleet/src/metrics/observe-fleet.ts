import type { Postgres } from "@millrace/db";
import { type Queues, queueNames } from "@millrace/jobs";
import { Gauge, type Registry } from "prom-client";
import { boundedQuestion } from "../health/bounded-question.ts";
import type { Health } from "../health/health-report.ts";
import type { Fleet } from "../join-fleet.ts";

export interface FleetMetricsNeeds {
  readonly registry: Registry;
  readonly queues: Pick<Queues, "states" | "memory">;
  readonly fleet: Pick<Fleet, "members">;
  readonly health: Pick<Health, "report">;
  readonly db: Pick<Postgres, "poolCounts">;
}

/**
 * What a process knows of the queues and of what it depends on, asked for when it is scraped, and never for longer than
 * a second or two. Of the queues all processes say the same. What is not known is left out.
 */
export function observeFleet({ registry, queues, fleet, health, db }: FleetMetricsNeeds): void {
  const registers = [registry];
  const ask = <T>(question: () => Promise<T>): (() => Promise<T | undefined>) =>
    boundedQuestion<T | undefined>(
      () => question().catch(() => undefined),
      () => undefined,
    );
  const states = ask(() => queues.states());
  const memory = ask(() => queues.memory());
  const members = ask(() => fleet.members());

  new Gauge({
    name: "millrace_queue_jobs",
    help: "Jobs of a queue by their state",
    labelNames: ["queue", "state"],
    registers,
    async collect() {
      const known = await states();
      this.reset(); // only now: others may be scraping too
      for (const { name, waiting, active, delayed, failed } of known ?? []) {
        for (const [state, count] of Object.entries({ waiting, active, delayed, failed })) {
          this.inc({ queue: name, state }, count);
        }
      }
    },
  });
  new Gauge({
    name: "millrace_queue_oldest_wait_seconds",
    help: "How long the oldest waiting job of a queue has waited",
    labelNames: ["queue"],
    registers,
    async collect() {
      const oldest = new Map<string, number>();
      for (const { name, oldestWaitMs } of (await states()) ?? []) {
        oldest.set(name, Math.max(oldest.get(name) ?? 0, oldestWaitMs));
      }
      this.reset();
      for (const [queue, ms] of oldest) this.set({ queue }, ms / 1_000);
    },
  });
  new Gauge({
    name: "millrace_queue_consumers",
    help: "Processes that take the jobs of a queue and are not stuck",
    labelNames: ["queue"],
    registers,
    async collect() {
      const all = await members();
      this.reset();
      if (all === undefined) return;
      const alive = all.flatMap(({ report }) => report.consumers).filter(({ stuck }) => !stuck);
      for (const name of queueNames) this.set({ queue: name }, alive.filter(({ queue }) => queue === name).length);
    },
  });
  new Gauge({
    name: "millrace_queue_redis_bytes",
    help: "Memory of the queue's Redis",
    registers,
    async collect() {
      const known = await memory();
      this.remove();
      if (known !== undefined) this.set(known.usedBytes);
    },
  });
  new Gauge({
    name: "millrace_dependency_up",
    help: "1 while what this process depends on answers, 0.5 while something is wrong with it, 0 while it does not answer",
    labelNames: ["dependency"],
    registers,
    async collect() {
      const { dependencies } = await health.report();
      const value = { ok: 1, degraded: 0.5, down: 0 } as const;
      this.reset();
      for (const { name, status } of dependencies) this.set({ dependency: name }, value[status]);
    },
  });
  new Gauge({
    name: "millrace_pool_connections",
    help: "Connections of this process to PostgreSQL: the most that there may be, those in use, and callers waiting for one",
    labelNames: ["state"],
    registers,
    collect() {
      const { max, total, idle, waiting } = db.poolCounts();
      for (const [state, count] of Object.entries({ max, in_use: total - idle, idle, waiting }))
        this.set({ state }, count);
    },
  });
}
