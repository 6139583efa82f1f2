import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryCache } from "./memory-cache.ts";

const ttlMs = 10_000;
const staleIfErrorMs = 40_000;

const key = fc.constantFrom("a", "b", "c");
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("read"), key }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("write"), key }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass"), ms: fc.integer({ min: 1, max: 30_000 }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("answer"), which: fc.nat(), isFailure: fc.boolean() }) },
  ),
  { maxLength: 60, size: "max" },
);

interface Versioned {
  readonly version: number;
  readonly readAtMs: number;
}

interface OpenLoad {
  readonly key: string;
  readonly version: number;
  readonly startedAtMs: number;
  settle(isFailure: boolean): void;
}

/** A cache over a source whose values are numbered by their writes, and whose answers come when told. */
function createWorld() {
  let nowMs = 0;
  let failures = 0;
  const versions = new Map<string, number>();
  const open: OpenLoad[] = [];
  const cache = createMemoryCache<Versioned>({
    ttlMs,
    refreshAfterMs: 5_000,
    negativeTtlMs: 2_000,
    staleIfErrorMs,
    maxEntries: 2,
    now: () => nowMs,
  });
  const versionOf = (key: string) => versions.get(key) ?? 0;

  function load(key: string): Promise<Versioned | undefined> {
    const version = versionOf(key);
    world.needlessLoads += open.filter((load) => load.key === key && load.version === version).length;
    const { promise, resolve, reject } = Promise.withResolvers<Versioned | undefined>();
    const value = version === 0 ? undefined : { version, readAtMs: nowMs };
    const settle = (isFailure: boolean) => (isFailure ? reject(new Error("away")) : resolve(value));
    open.push({ key, version, startedAtMs: nowMs, settle });
    return promise;
  }

  const world = {
    open,
    /** Loads begun while another one of the key was under way that no write had voided. */
    needlessLoads: 0,
    async read(key: string): Promise<void> {
      const failuresBefore = failures;
      const versionBefore = versionOf(key);
      // A reader may join a load that is under way and then gets what that has read.
      const sinceMs = Math.min(nowMs, ...open.filter((load) => load.key === key).map((load) => load.startedAtMs));
      try {
        const found = await cache.get(key, load);
        expect(found?.version ?? 0).toBeGreaterThanOrEqual(versionBefore);
        const allowedMs = failures > 0 ? staleIfErrorMs : ttlMs - 1;
        if (found !== undefined) expect(found.readAtMs).toBeGreaterThanOrEqual(sinceMs - allowedMs);
      } catch (error) {
        if (!(error instanceof Error && error.message === "away")) throw error;
        expect(failures).toBeGreaterThan(failuresBefore);
      }
    },
    write(key: string): void {
      versions.set(key, versionOf(key) + 1);
      cache.delete(key);
    },
    pass(ms: number): void {
      nowMs += ms;
    },
    answer(which: number, isFailure: boolean): void {
      const [load] = open.splice(which % Math.max(open.length, 1), 1);
      if (load !== undefined && isFailure) failures += 1;
      load?.settle(isFailure);
    },
  };
  return world;
}

test("no reader gets a value older than the last write or its allowed age, and no load runs twice at once", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const world = createWorld();
      const { open, read, write, pass, answer } = world;
      const readers: Promise<void>[] = [];
      for (const step of steps) {
        if ("ms" in step) pass(step.ms);
        else if ("which" in step) answer(step.which, step.isFailure);
        else if (step.kind === "write") write(step.key);
        else readers.push(read(step.key));
        await turn();
      }
      while (open.length > 0) {
        answer(0, false);
        await turn();
      }
      await Promise.all(readers);
      expect(world.needlessLoads).toBe(0);
    }),
    { numRuns: 300 },
  );
});
