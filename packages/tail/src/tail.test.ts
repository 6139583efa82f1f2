import { createTestRedis } from "@millrace/embedded/testing";
import { copyRowOf } from "@millrace/events";
import { expect, test } from "vitest";
import type { TailFilter } from "./channel.ts";
import { createTailFeed, type TailFeed, type TailFeedOptions } from "./feed.ts";
import { startTailPublisher, type TailPublisher, type TailPublisherOptions } from "./publisher.ts";
import { createRedisProxy, type RedisProxy } from "./testing/redis-proxy.ts";

interface World extends AsyncDisposable {
  readonly proxy: RedisProxy;
  readonly publisher: TailPublisher;
  readonly feed: TailFeed;
  readonly faults: Error[];
}

/** A worker's end and an API's end on the real Redis, both through one proxy. */
async function openTail({
  feed,
  publisher,
}: {
  feed?: Partial<TailFeedOptions>;
  publisher?: Partial<TailPublisherOptions>;
} = {}): Promise<World> {
  await using parts = new AsyncDisposableStack();
  const redis = parts.use(await createTestRedis());
  const proxy = parts.use(await createRedisProxy(redis.url));
  const faults: Error[] = [];
  const options = {
    url: proxy.url,
    prefix: redis.prefix,
    everyMs: 20,
    onError: (error: Error) => void faults.push(error),
  };
  const ends = {
    publisher: parts.use(startTailPublisher({ ...options, ...publisher })),
    feed: parts.use(createTailFeed({ ...options, ...feed })),
  };
  const open = parts.move();
  return { proxy, faults, ...ends, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

function listenTo(feed: TailFeed, filter: TailFilter = {}, after?: string) {
  const seen = { ids: [] as string[], events: [] as string[], leftOut: 0, live: [] as boolean[] };
  const listening = feed.listen(
    filter,
    {
      onEvents(events, leftOut) {
        seen.ids.push(...events.map(({ id }) => id));
        seen.events.push(...events.map(({ line }) => line.split("\t", 1)[0] ?? ""));
        seen.leftOut += leftOut;
      },
      onLive: (isLive) => seen.live.push(isLive),
    },
    after,
  );
  return { seen, resumed: listening.resumed, [Symbol.dispose]: () => listening[Symbol.dispose]() };
}

const rowOf = (id: string, source = "/a") =>
  copyRowOf({ id, source, type: "t", time: "2026-11-24T00:00:00Z" }, "2026-11-24T00:00:00Z");

const until = (condition: () => unknown, timeout = 15_000) => expect.poll(condition, { timeout, interval: 5 });

test("while nobody listens nothing is published, and after the last listener has gone nothing any more", async () => {
  await using tail = await openTail({ feed: { keepMs: 1 } });
  await until(() => tail.proxy.sent().match(/channels/gi)?.length).toBeGreaterThan(2);
  expect(tail.publisher.isWanted).toBe(false);
  for (let n = 0; n < 100; n += 1) tail.publisher.publish([rowOf(String(n))]);

  {
    using listener = listenTo(tail.feed);
    await until(() => tail.publisher.isWanted).toBe(true);
    expect(tail.proxy.sent()).not.toMatch(/publish/i);
    tail.publisher.publish([rowOf("a")]);
    await until(() => listener.seen.events).toEqual(["a"]);
  }
  await until(() => tail.publisher.isWanted).toBe(false);
  tail.publisher.publish([rowOf("b")]);
  const asked = () => tail.proxy.sent().match(/channels/gi)?.length ?? 0;
  const before = asked();
  await until(asked).toBeGreaterThan(before);
  expect(tail.proxy.sent().match(/publish/gi)).toHaveLength(1);
});

test("each listener gets what its filter lets through", async () => {
  await using tail = await openTail();
  using all = listenTo(tail.feed);
  using b = listenTo(tail.feed, { source: "/b" });
  using alsoB = listenTo(tail.feed, { source: "/b", type: "t" });
  using none = listenTo(tail.feed, { source: "/b", subject: "s" });
  // Published again and again, until the worker knows of all four.
  await until(() => {
    tail.publisher.publish([rowOf("a"), rowOf("b", "/b")]);
    return [all, b, alsoB].every(({ seen }) => seen.events.length > 0);
  }).toBe(true);
  expect(new Set(all.seen.events)).toEqual(new Set(["a", "b"]));
  expect(new Set([...b.seen.events, ...alsoB.seen.events])).toEqual(new Set(["b"]));
  expect(none.seen.events).toEqual([]);
});

test("beyond the limit an even sample is shown, and what was left out is counted", async () => {
  await using tail = await openTail({ publisher: { maxRowsPerSecond: 50 } });
  using listener = listenTo(tail.feed);
  await until(() => tail.publisher.isWanted).toBe(true);
  tail.publisher.publish(Array.from({ length: 1_000 }, (_, n) => rowOf(String(n))));

  await until(() => listener.seen.events.length + listener.seen.leftOut).toBe(1_000);
  const { events } = listener.seen;
  expect(events.length).toBeLessThanOrEqual(55);
  const gaps = events.slice(1).map((id, at) => Number(id) - Number(events[at]));
  expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
});

test("a listener that comes back soon goes on after the last event it saw, in any process", async () => {
  await using tail = await openTail();
  let last = "";
  {
    using listener = listenTo(tail.feed);
    await until(() => tail.publisher.isWanted).toBe(true);
    tail.publisher.publish(["a", "b", "c"].map((id) => rowOf(id)));
    await until(() => listener.seen.events).toEqual(["a", "b", "c"]);
    last = listener.seen.ids[1] ?? "";
  }
  tail.publisher.publish([rowOf("d")]);
  await until(() => {
    using again = listenTo(tail.feed, {}, last);
    return again.resumed && again.seen.events;
  }).toEqual(["c", "d"]);

  using stranger = listenTo(tail.feed, {}, "unknown");
  using other = listenTo(tail.feed, { source: "/other" }, last);
  expect([stranger.resumed, other.resumed]).toEqual([false, false]);
});

test("with Redis away the listener is told, publishing costs nothing, and all goes on by itself", async () => {
  await using tail = await openTail();
  using listener = listenTo(tail.feed);
  await until(() => tail.publisher.isWanted).toBe(true);
  tail.publisher.publish([rowOf("before")]);
  await until(() => listener.seen.events).toEqual(["before"]);
  const last = listener.seen.ids[0];

  tail.proxy.cut();
  await until(() => listener.seen.live).toEqual([false, true, false]);
  await until(() => tail.publisher.isWanted).toBe(false);
  tail.publisher.publish([rowOf("meanwhile")]);
  tail.proxy.restore();
  await until(() => listener.seen.live).toEqual([false, true, false, true]);
  await until(() => tail.publisher.isWanted).toBe(true);
  tail.publisher.publish([rowOf("after")]);
  await until(() => listener.seen.events).toEqual(["before", "after"]);

  using again = listenTo(tail.feed, {}, last);
  expect(again.resumed).toBe(false);
  expect(tail.faults.length).toBeLessThanOrEqual(4);
});

test("a Redis that goes silent is noticed by both ends, and what waits for it is bounded", async () => {
  await using tail = await openTail({ publisher: { maxRowsPerSecond: 1_000_000 } });
  using listener = listenTo(tail.feed);
  await until(() => tail.publisher.isWanted).toBe(true);
  tail.proxy.hold();
  const rows = Array.from({ length: 10_000 }, (_, n) => rowOf(String(n)));
  for (let n = 0; n < 100; n += 1) tail.publisher.publish(rows); // 65 MB
  await until(() => listener.seen.live.at(-1), 20_000).toBe(false);
  await until(() => tail.publisher.isWanted, 20_000).toBe(false);
  expect(tail.proxy.sent().length).toBeLessThan(20 * 1_024 ** 2);
  tail.proxy.restore();
  await until(() => listener.seen.live.at(-1), 20_000).toBe(true);
  await until(() => tail.publisher.isWanted, 20_000).toBe(true);
  tail.publisher.publish([rowOf("after")]);
  await until(() => listener.seen.events.at(-1)).toBe("after");
}, 60_000);

test("an installation does not see the tail of another on the same Redis", async () => {
  await using one = await openTail();
  await using other = await openTail();
  using listener = listenTo(one.feed);
  await until(() => one.publisher.isWanted).toBe(true);
  using stranger = listenTo(other.feed);
  await until(() => other.publisher.isWanted).toBe(true);
  other.publisher.publish([rowOf("theirs")]);
  await until(() => stranger.seen.events).toEqual(["theirs"]);
  one.publisher.publish([rowOf("ours")]);
  await until(() => listener.seen.events).toEqual(["ours"]);
});
