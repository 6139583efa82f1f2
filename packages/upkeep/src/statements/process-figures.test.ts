import { statement } from "@millrace/db";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { addToMinute, recentMinutes, wholeMinutes } from "./process-figures.ts";

const age = statement<[minutes: number], never>(
  "test.age_minutes",
  "UPDATE process_minutes SET minute = minute - make_interval(mins => $1)",
);

test("what several processes counted in the last minutes adds up, durations with their buckets", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const one = { process: "one", app: "api" };
  await addToMinute(db, one, { requests: 1, "request:7": 100 });
  await db.run(age, [12]);
  await addToMinute(db, one, { requests: 10, "request:7": 1, "request:9": 2 });
  await db.run(age, [3]);
  await addToMinute(db, one, { requests: 2, "request:7": 1 });
  await addToMinute(db, one, { requests: 3, "request:7": 1, "request:40": 5 });
  await addToMinute(db, { process: "other", app: "worker" }, { requests: 4, "job_run:1": 1 });
  await addToMinute(db, one, {});
  const [last, five, fifteen] = await recentMinutes(db, [1, 5, 15]);
  const newest = { requests: 9, "request:7": 2, "request:40": 5, "job_run:1": 1 };
  expect(last?.figures).toEqual(newest);
  expect(five?.figures).toEqual({ ...newest, requests: 19, "request:7": 3, "request:9": 2 });
  expect(fifteen?.figures).toEqual({ ...newest, requests: 20, "request:7": 103, "request:9": 2 });
  for (const [span, minutes] of [[last, 1] as const, [fifteen, 15] as const]) {
    expect(span?.seconds).toBeGreaterThanOrEqual(minutes * 60);
    expect(span?.seconds).toBeLessThan((minutes + 1) * 60);
  }
});

test("minutes that are over are told one by one, the oldest first, and the one that is not is left out", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const one = { process: "one", app: "api" };
  await addToMinute(db, one, { requests: 1, "request:7": 1 });
  await db.run(age, [3]);
  await addToMinute(db, one, { requests: 2 });
  await addToMinute(db, { process: "other", app: "api" }, { requests: 3, "request:7": 2 });
  await db.run(age, [2]);
  await addToMinute(db, one, { requests: 4 });
  const minutes = await wholeMinutes(db, 10);
  expect(minutes.map(({ figures }) => figures)).toEqual([
    { requests: 1, "request:7": 1 },
    { requests: 5, "request:7": 2 },
  ]);
  const [first, second] = minutes.map(({ begin }) => begin.getTime());
  expect((second ?? 0) - (first ?? 0)).toBe(3 * 60_000);
  expect((first ?? 0) % 60_000).toBe(0);
  expect(Date.now() - (second ?? 0)).toBeLessThan(4 * 60_000);
});
