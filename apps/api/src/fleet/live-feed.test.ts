import { expect, test } from "vitest";
import { createLiveFeed } from "./live-feed.ts";

/** Counts how often it was looked at. */
function openFeed(everyMs: number) {
  let looks = 0;
  const feed = createLiveFeed(async () => {
    looks += 1;
    return looks;
  }, everyMs);
  return { feed, looks: () => looks };
}

test("all who follow are told the same, from one look for all of them", async () => {
  const { feed, looks } = openFeed(5);
  const told: [string[], string[]] = [[], []];
  using _one = feed.follow((text) => told[0].push(text));
  using _other = feed.follow((text) => told[1].push(text));
  await expect.poll(() => told[0].length).toBeGreaterThan(3);
  expect(told[1]).toEqual(told[0]);
  expect(told[0]).toEqual(told[0].map((_, at) => String(at + 1)));
  expect(looks() - told[0].length).toBeLessThanOrEqual(1);
});

test("who comes later is told at once what is known", async () => {
  const { feed } = openFeed(3_600_000);
  const first: string[] = [];
  using _first = feed.follow((text) => first.push(text));
  await expect.poll(() => first).toEqual(["1"]);
  const second: string[] = [];
  using _second = feed.follow((text) => second.push(text));
  expect(second).toEqual(["1"]);
});

test("nobody looks while nobody follows, and who follows then is not told what is old", async () => {
  const { feed, looks } = openFeed(5);
  const told: string[] = [];
  {
    using _follower = feed.follow((text) => told.push(text));
    await expect.poll(() => told.length).toBeGreaterThan(1);
  }
  const before = looks();
  const later: string[] = [];
  using _later = feed.follow((text) => later.push(text));
  expect(later).toEqual([]);
  await expect.poll(() => later.length).toBeGreaterThan(0);
  expect(Number(later[0])).toBe(before + 1);
});

test("those who ask together, or soon after each other, share a look", async () => {
  const { feed, looks } = openFeed(5);
  expect(await Promise.all([feed.now(), feed.now(), feed.now()])).toEqual([1, 1, 1]);
  expect(await feed.now()).toBe(1);
  expect(looks()).toBe(1);
});
