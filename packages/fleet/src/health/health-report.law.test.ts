import fc from "fast-check";
import { expect, test } from "vitest";
import type { Member } from "../join-fleet.ts";
import type { WatchedDependency } from "./dependency.ts";
import { createHealth } from "./health-report.ts";

const status = fc.constantFrom("ok", "degraded", "down");
const dependency: fc.Arbitrary<WatchedDependency & { is: "ok" | "degraded" | "down" }> = fc
  .record({ name: fc.uuid(), isNeeded: fc.boolean(), is: status })
  .map(({ name, isNeeded, is }) => ({
    name,
    isNeeded,
    is,
    state: async () => ({ name, status: is, latency_ms: null, version: null, detail: "so it is" }),
  }));
const worker = fc.record({ queue: fc.constantFrom("ingest", "writes"), stuck: fc.boolean() });

function memberOf(consumers: Member["report"]["consumers"]): Member {
  const pool = { max: 0, size: 0, in_use: 0, waiting: 0 };
  const process = { id: "", app: "worker", host: "", pid: 1, version: "0", started_at: "", jobs: [], consumers };
  const load = { rss_bytes: 0, cpu_share: 0, loop_lag_p99_ms: 0 };
  return { report: { ...process, ...load, pool, counts: {}, last: null, recent: null }, ageMs: 0 };
}

test("down is who lacks what it needs, ok is where nothing is wrong, degraded is all between, and says why", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(dependency), fc.array(worker), fc.array(fc.string()), async (all, workers, troubles) => {
      const health = createHealth({
        role: "test",
        version: "1",
        dependencies: all,
        fleet: { members: async () => workers.map((one) => memberOf([one])) },
        queues: ["ingest", "writes"],
        troubles: () => troubles,
      });
      const report = await health.report();
      const lacks = all.some(({ isNeeded, is }) => isNeeded && is === "down");
      const isServed = ["ingest", "writes"].every((name) =>
        workers.some(({ queue, stuck }) => queue === name && !stuck),
      );
      const isWell =
        all.every(({ is }) => is === "ok") && isServed && workers.every(({ stuck }) => !stuck) && troubles.length === 0;
      expect(report.status).toBe(lacks ? "down" : isWell ? "ok" : "degraded");
      expect(report.reasons.length > 0).toBe(report.status !== "ok");
      const ready = await health.ready();
      expect(ready.status === "down").toBe(lacks);
      expect(ready.missing.map(({ name }) => name)).toEqual(
        all.flatMap(({ name, isNeeded, is }) => (isNeeded && is === "down" ? name : [])),
      );
    }),
  );
});

test("of a fleet that does not tell, it is not said that nobody works", async () => {
  const fleet = { members: () => Promise.reject(new Error("Redis is away")) };
  const health = createHealth({ role: "test", version: "1", dependencies: [], fleet, queues: ["ingest"] });
  expect(await health.report()).toMatchObject({ status: "ok", consumers: null, reasons: [] });
});
