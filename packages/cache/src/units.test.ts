import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { createBreaker } from "./breaker.ts";
import { bytesOf, entryOf } from "./entry.ts";
import { globMatcher, matcherOf } from "./forms.ts";
import { createStats } from "./stats.ts";
import { CacheAwayError } from "./store.ts";
import { createTtlController } from "./ttl-controller.ts";

describe("an entry", () => {
  test("comes back from its bytes as it was, compressed or not, with a value or without", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
        fc.nat({ max: 2 ** 31 }),
        fc.nat({ max: 400 }),
        async (content, ms, above) => {
          const payload = content === undefined ? undefined : Buffer.from(content);
          const entry = { loadedAt: ms + 0.25, ttlMs: ms, loadMs: ms, payload };
          const back = await entryOf(await bytesOf(entry, above));
          expect(back).toEqual(entry);
        },
      ),
    );
  });

  test("of another version is none", () => {
    expect(entryOf(Buffer.from([9, ...Buffer.alloc(20)]))).toBeUndefined();
    expect(entryOf(Buffer.alloc(3))).toBeUndefined();
  });
});

describe("a breaker", () => {
  test("refuses after failures in a row, and lets one through at a time until it is better", async () => {
    let nowMs = 0;
    const breaker = createBreaker({ timeoutMs: 1_000, maxFailures: 2, openMs: 100, now: () => nowMs });
    const fail = vi.fn(() => Promise.reject(new Error("no")));
    for (let count = 0; count < 5; count += 1) await expect(breaker.run(fail)).rejects.toThrow(CacheAwayError);
    expect(fail).toHaveBeenCalledTimes(2);

    nowMs = 100;
    const slow = Promise.withResolvers<string>();
    const probing = breaker.run(() => slow.promise);
    await expect(breaker.run(fail)).rejects.toThrow(CacheAwayError);
    slow.resolve("better");
    expect(await probing).toBe("better");
    expect(breaker.isOpen).toBe(false);
  });

  test("does not wait for an answer that is late", async () => {
    const breaker = createBreaker({ timeoutMs: 5, maxFailures: 2, openMs: 100 });
    await expect(breaker.run(() => new Promise(() => {}))).rejects.toThrow("within 5 ms");
  });
});

describe("a pattern", () => {
  const forms = ["{address}", "of/{address}/{list}", "stats"];

  test("has the parts of a declared form", () => {
    for (const pattern of ["*", "0xab", "of/0xab/*", "of/*/*", "stats"])
      expect(matcherOf(pattern, forms)).toBeDefined();
    for (const pattern of ["of/*", "of", "in/0xab/all", "of/a/b/c"]) {
      expect(matcherOf(pattern, ["of/{address}/{list}"])).toBeUndefined();
    }
  });

  test("matches the same in memory as what it says, whatever characters it has", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, other) => {
        const matcher = matcherOf(text.replaceAll("/", "").replaceAll("*", "") || "x", ["{any}"]);
        if (matcher === undefined) throw new Error("one part is a form");
        const key = text.replaceAll("/", "").replaceAll("*", "") || "x";
        expect(globMatcher(matcher.glob).isMatch(key)).toBe(true);
        expect(matcher.isMatch(other)).toBe(other === key);
      }),
    );
  });
});

describe("the TTL", () => {
  const bounds = { minMs: 1_000, maxMs: 4_000 };
  const run = (changed: number, unchanged: number, stats: Partial<ReturnType<typeof createStats>>) => {
    const ttl = createTtlController({ ttlMs: 2_000, bounds, now: () => 7 });
    for (let round = 0; round < 5; round += 1) {
      for (let count = 0; count < changed; count += 1) ttl.refreshed({ isChanged: true });
      for (let count = 0; count < unchanged; count += 1) ttl.refreshed({ isChanged: false });
      ttl.tune({ ...createStats(), ...stats });
    }
    return ttl;
  };

  test("goes down to its bound where values change unheard, and says why", () => {
    const ttl = run(10, 20, {});
    expect(ttl.ttlMs).toBe(1_000);
    expect(ttl.decisions.at(-1)).toEqual({
      at: 7,
      fromMs: 1_333,
      toMs: 1_000,
      why: "10 of 30 values had changed when they were loaded again",
    });
  });

  test("goes up to its bound where they do not and misses cost", () => {
    const ttl = run(0, 30, { redisHits: 50, misses: 50, loads: 10, loadMs: 100 });
    expect(ttl.ttlMs).toBe(4_000);
    expect(ttl.decisions[0]?.why).toContain("the hit rate is 0.50 and a load takes 10.0 ms");
  });

  test("stays where there is too little to tell, where all is well, and without bounds", () => {
    expect(run(3, 2, {}).ttlMs).toBeGreaterThan(0);
    expect(run(0, 30, { redisHits: 100, loads: 10, loadMs: 100 }).decisions).toEqual([]);
    const fixed = createTtlController({ ttlMs: 2_000, bounds: undefined, now: () => 0 });
    for (let count = 0; count < 50; count += 1) fixed.refreshed({ isChanged: true });
    fixed.tune(createStats());
    expect(fixed.ttlMs).toBe(2_000);
  });
});
