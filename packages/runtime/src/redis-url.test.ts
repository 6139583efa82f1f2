import { expect, test } from "vitest";
import { queueRedisUrl, redisAddressOf, redisRolesOf } from "./redis-url.ts";

test("a cluster is some of its nodes, and what lets us in", () => {
  expect(redisAddressOf("redis+cluster://app:s%40cret@a:7000,b,[::1]:7002")).toEqual({
    kind: "cluster",
    hasTls: false,
    nodes: [
      { host: "a", port: 7_000 },
      { host: "b", port: 6_379 },
      { host: "::1", port: 7_002 },
    ],
    name: undefined,
    username: "app",
    password: "s@cret",
  });
});

test("what Sentinel watches is the sentinels and a name", () => {
  expect(redisAddressOf("rediss+sentinel://:secret@a,b:5000/mymaster")).toEqual({
    kind: "sentinel",
    hasTls: true,
    nodes: [
      { host: "a", port: 26_379 },
      { host: "b", port: 5_000 },
    ],
    name: "mymaster",
    username: undefined,
    password: "secret",
  });
});

test.each(["redis://a:1", "rediss://:x@a:1/3", "redis+cluster://a", "redis+sentinel://a/main"])(
  "%s is understood",
  (url) => expect(queueRedisUrl.safeParse(url).success).toBe(true),
);

test.each([
  "http://a",
  "redis+sentinel://a:1",
  "redis+cluster://a:1/name",
  "redis+cluster://",
  "redis+cluster://a:1,,b",
])("%s is refused with what to write", (url) =>
  expect(queueRedisUrl.safeParse(url).error?.issues[0]?.message).toMatch(/^write a connection string such as/),
);

test("each role of Redis has a server that can play it, or the configuration is refused", () => {
  const [one, other, cluster] = ["redis://a:6379", "redis://b:6379", "redis+cluster://a:6379,b:6379"];
  expect(redisRolesOf({ REDIS_URL: one })).toEqual({ queueUrl: one, cacheUrl: one });
  expect(redisRolesOf({ QUEUE_REDIS_URL: one })).toEqual({ queueUrl: one, cacheUrl: one });
  expect(redisRolesOf({ REDIS_URL: one, CACHE_REDIS_URL: other })).toEqual({ queueUrl: one, cacheUrl: other });
  expect(redisRolesOf({ QUEUE_REDIS_URL: cluster, CACHE_REDIS_URL: other })).toMatchObject({ queueUrl: cluster });
  expect(() => redisRolesOf({ CACHE_REDIS_URL: other })).toThrow("QUEUE_REDIS_URL is not set");
  expect(() => redisRolesOf({ QUEUE_REDIS_URL: cluster })).toThrow("CACHE_REDIS_URL is not set");
});
