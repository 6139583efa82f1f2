import fc from "fast-check";
import { expect, test } from "vitest";
import { createCache } from "./cache.ts";
import { jsonCodec } from "./codec.ts";
import type { CacheNamespace, NamespaceDefinition } from "./namespace.ts";
import { CacheAwayError, type CacheStore } from "./store.ts";
import { createModelStore, type ModelStore } from "./testing/model-store.ts";
import { randomFrom, type SimulatedProcess, Simulation } from "./testing/simulation.ts";

const namespace: NamespaceDefinition<number> = {
  name: "numbers",
  codec: jsonCodec(),
  forms: ["{key}"],
  ttlMs: 3_000,
  staleMs: 3_000,
  negativeTtlMs: 1_000,
};
const keys = ["a", "b"];
const leaseMs = 500;

interface Faults {
  /** Of the calls to the store: how many are lost on the way there, or on the way back. */
  readonly lost: number;
  /** Of the loads: how many fail. */
  readonly failedLoads: number;
}

/** The store as a process sees it: through a network that delays and loses. */
function storeThrough(model: ModelStore, simulation: Simulation, owner: SimulatedProcess, faults: Faults): CacheStore {
  const through = async <T>(call: () => Promise<T>): Promise<T> => {
    await simulation.wait(simulation.delay(), owner);
    if (simulation.random() < faults.lost) throw new CacheAwayError("lost on the way there");
    const answer = await call();
    await simulation.wait(simulation.delay(), owner);
    if (simulation.random() < faults.lost) throw new CacheAwayError("lost on the way back");
    return answer;
  };
  return {
    get: (at) => through(() => model.get(at)),
    lease: (at, token) => through(() => model.lease(at, token)),
    leaseAnew: (at, token) => through(() => model.leaseAnew(at, token)),
    fill: (at, token, bytes, ttlMs) => through(() => model.fill(at, token, bytes, ttlMs)),
    release: (at, token) => through(() => model.release(at, token)),
    invalidate: (all) => through(() => model.invalidate(all)),
    invalidateMatching: (pattern) => through(() => model.invalidateMatching(pattern)),
    join: (member) => through(() => model.join(member)),
    renew: (member, beat, number) => through(() => model.renew(member, beat, number)),
    leave: (member) => through(() => model.leave(member)),
    members: () => through(() => model.members()),
    expel: (member, state) => through(() => model.expel(member, state)),
    follow: (number, waitMs) =>
      through(async () => {
        const found = await model.follow(number, waitMs);
        if (found.length === 0) await simulation.wait(simulation.random() * waitMs, owner);
        return await model.follow(number, waitMs);
      }),
  };
}

interface Outcome {
  readonly reads: number;
  readonly settledWrites: number;
  readonly memoryHits: number;
  readonly refusedFills: number;
  readonly stale: readonly string[];
}

/** Readers and writers on few keys for some seconds, with everything going wrong that can. */
async function simulate(seed: number, faults: Faults): Promise<Outcome> {
  const random = randomFrom(seed);
  const simulation = new Simulation(random);
  const model = createModelStore({ now: () => simulation.now, loadLeaseMs: 300 });
  const database = new Map<string, number>();
  const settled = new Map<string, number>();
  const stale: string[] = [];
  let reads = 0;
  let settledWrites = 0;
  const caches: ReturnType<typeof createCache>[] = [];

  function startProcess(): void {
    const process = simulation.process();
    const store = storeThrough(model, simulation, process, faults);
    const cache = createCache({ store, leaseMs, time: process.time, random, onError: () => {} });
    caches.push(cache);
    const numbers = cache.namespace(namespace);
    readForever(process, numbers);
    writeForever(process, cache);
    const stumble = (): void => {
      if (random() < 0.3) process.pausedUntil = simulation.now + random() * 3 * leaseMs;
      else if (random() < 0.2) {
        process.hasCrashed = true;
        startProcess();
        return;
      }
      simulation.after(random() * 2_000, stumble);
    };
    simulation.after(random() * 2_000, stumble);
  }

  function readForever(process: SimulatedProcess, numbers: CacheNamespace<number>): void {
    const key = keys[Math.floor(random() * keys.length)] ?? "a";
    const floor = settled.get(key) ?? 0;
    const load = async (): Promise<number | undefined> => {
      await simulation.wait(simulation.delay(), process);
      if (random() < faults.failedLoads) throw new Error("the database failed");
      const value = database.get(key);
      await simulation.wait(simulation.delay(), process);
      return value;
    };
    Promise.resolve(numbers.get(key, load)).then(
      (value = 0) => {
        reads += 1;
        if (value < floor) stale.push(`${key} was ${value} at ${simulation.now.toFixed(1)} and had been ${floor}`);
      },
      () => {}, // the load failed, as it may
    );
    simulation.after(random() * 20, () => readForever(process, numbers), process);
  }

  function writeForever(process: SimulatedProcess, cache: ReturnType<typeof createCache>): void {
    const key = keys[Math.floor(random() * keys.length)] ?? "a";
    const version = (database.get(key) ?? 0) + 1;
    database.set(key, version);
    const settle = async (): Promise<void> => {
      for (;;) {
        try {
          await cache.invalidate([{ namespace: namespace.name, key }]);
          break;
        } catch {
          await simulation.wait(50, process);
        }
      }
      settledWrites += 1;
      settled.set(key, Math.max(settled.get(key) ?? 0, version));
    };
    simulation.after(simulation.delay(), () => settle(), process);
    simulation.after(random() * 600, () => writeForever(process, cache), process);
  }

  function evictNowAndThen(): void {
    const kinds = ["values", "leases", "notices", "members", "all"] as const;
    const kind = kinds[Math.floor(random() * kinds.length)];
    if (kind !== undefined) model.evict(kind);
    simulation.after(random() * 3_000, evictNowAndThen);
  }

  for (let count = 0; count < 3; count += 1) startProcess();
  simulation.after(1_500, evictNowAndThen);
  await simulation.runUntil(8_000);
  const totals = caches.flatMap((cache) => cache.report());
  const sum = (of: (report: (typeof totals)[number]) => number): number =>
    totals.reduce((total, one) => total + of(one), 0);
  // Their loops wait for time that does not pass any more.
  for (const cache of caches) void cache[Symbol.asyncDispose]();
  return {
    reads,
    settledWrites,
    memoryHits: sum(({ memoryHits }) => memoryHits),
    refusedFills: sum(({ refusedFills }) => refusedFills),
    stale,
  };
}

test("no reader is given a value older than a settled write, whatever is lost, late, evicted, paused or killed", async () => {
  let memoryHits = 0;
  let refusedFills = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      fc.record({ lost: fc.constantFrom(0, 0.01, 0.1), failedLoads: fc.constantFrom(0, 0.1) }),
      async (seed, faults) => {
        const outcome = await simulate(seed, faults);
        memoryHits += outcome.memoryHits;
        refusedFills += outcome.refusedFills;
        expect(outcome.stale).toEqual([]);
        expect(outcome.reads).toBeGreaterThan(100);
        expect(outcome.settledWrites).toBeGreaterThan(0);
      },
    ),
    { numRuns: 60 },
  );
  // What the protocol is there for did happen.
  expect(memoryHits).toBeGreaterThan(100);
  expect(refusedFills).toBeGreaterThan(10);
}, 120_000);
