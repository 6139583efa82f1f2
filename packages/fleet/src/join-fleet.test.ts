import { createTestRedis, openWay } from "@millrace/embedded/testing";
import { connectQueues, type Queues } from "@millrace/jobs";
import { expect, test } from "vitest";
import { createFigures } from "./figures.ts";
import { joinFleet } from "./join-fleet.ts";
import { reportIn } from "./process-report.ts";

const pool = () => ({ max: 5, total: 3, idle: 1, waiting: 0 });

function join({ presence }: Pick<Queues, "presence">, id: string, onError: (error: Error) => void = () => {}) {
  const figures = createFigures();
  return { figures, fleet: joinFleet({ presence, id, app: "api", version: "1", figures, pool, everyMs: 10, onError }) };
}

test("each process hears of all what they have counted, and of nobody who has left", async () => {
  await using redis = await createTestRedis();
  await using queues = await connectQueues({ ...redis, onError: () => {} });
  const one = join(queues, "one");
  await using fleet = one.fleet;
  one.figures.count("requests", 3);
  {
    await using _other = join(queues, "other").fleet;
    await expect
      .poll(async () =>
        (await fleet.members()).map(({ report }) => `${report.id} ${report.counts["requests"] ?? 0}`).sort(),
      )
      .toEqual(["one 3", "other 0"]);
  }
  const [self, ...others] = await fleet.members();
  expect(others).toEqual([]);
  expect(self?.report).toMatchObject({
    app: "api",
    pid: process.pid,
    pool: { max: 5, size: 3, in_use: 2, waiting: 0 },
  });
  expect(self?.report.rss_bytes).toBeGreaterThan(10_000_000);
});

test("a Redis that hangs is told of once, stops nothing, and is found again", async () => {
  await using redis = await createTestRedis();
  await using way = await openWay(redis.url);
  await using queues = await connectQueues({ ...redis, url: way.url, onError: () => {} });
  const errors: Error[] = [];
  const { fleet, figures } = join(queues, "one", (error) => errors.push(error));
  await expect.poll(() => fleet.members()).toHaveLength(1);
  way.hold();
  figures.count("requests");
  await expect.poll(() => errors.length, { timeout: 15_000 }).toBe(1);
  expect(fleet.self().report.id).toBe("one");
  way.release();
  await expect
    .poll(async () => (await fleet.members().catch(() => [])).map(({ report }) => report.counts["requests"]), {
      timeout: 15_000,
    })
    .toEqual([1]);
  expect(errors).toHaveLength(1);
  await fleet[Symbol.asyncDispose]();
  expect(await queues.presence.list()).toEqual([]);
});

test("what another version tells in another way is passed over", () => {
  expect(reportIn("no JSON")).toBeUndefined();
  expect(reportIn('{"id":"x"}')).toBeUndefined();
});
