import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { type RecordRunOptions, recordRun } from "./record-run.ts";
import { runStatements } from "./run-statements.ts";

async function openRuns() {
  const database = await createTestDatabase();
  const options: RecordRunOptions = {
    db: database.db,
    job: "test.job",
    queueJobId: "1",
    worker: "test",
    isBusy: async () => false,
    signal: new AbortController().signal,
  };
  const runs = () => database.db.rows(runStatements.listByJob, ["test.job", 10]);
  return { options, runs, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
}

test("of runs that begin at once one is made, and its record says what it did", async () => {
  await using opened = await openRuns();
  const othersRefused = Promise.withResolvers<void>();
  let refused = 0;
  const outcomes = Promise.all(
    Array.from({ length: 5 }, async () => {
      const outcome = await recordRun(opened.options, async (run) => {
        run.changed("rows", 2);
        run.changed("rows");
        await othersRefused.promise;
      });
      if (outcome === undefined) refused += 1;
      if (refused === 4) othersRefused.resolve();
      return outcome;
    }),
  );
  expect((await outcomes).filter((outcome) => outcome !== undefined)).toEqual(["done"]);
  expect(await opened.runs()).toMatchObject([{ outcome: "done", changed: { rows: 3 }, error: null, worker: "test" }]);
});

test("a failed run says why, and the next one knows what may be half-done", async () => {
  await using opened = await openRuns();
  await expect(
    recordRun(opened.options, async (run) => {
      run.changed("rows");
      throw new Error("no space");
    }),
  ).rejects.toThrow("no space");
  const [failed] = await opened.runs();
  expect(failed).toMatchObject({ outcome: "failed", error: "no space", changed: { rows: 1 } });
  const seen: (Date | undefined)[] = [];
  for (const _ of [1, 2]) {
    await recordRun(opened.options, async ({ unfinishedSince }) => {
      seen.push(unfinishedSince);
    });
  }
  expect(seen).toEqual([failed?.started_at, undefined]);
});

test("a run that its process went silent on is lost: another begins, and the first is told to stop", async () => {
  await using opened = await openRuns();
  const stopped = recordRun({ ...opened.options, aliveEveryMs: 3_600_000 }, async ({ signal }) => {
    await opened.options.db.run(runStatements.endLost, ["test.job", -1]);
    await recordRun({ ...opened.options, aliveEveryMs: 5 }, async () => {});
    signal.throwIfAborted();
  });
  expect(await stopped).toBe("done"); // it did not look again before it was through
  expect((await opened.runs()).map(({ outcome }) => outcome)).toEqual(["done", "lost"]);

  const aborted = recordRun({ ...opened.options, aliveEveryMs: 5 }, async ({ signal }) => {
    await opened.options.db.run(runStatements.endLost, ["test.job", -1]);
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  await expect(aborted).rejects.toThrow("given up for lost");
});

test("a run gives way while something more urgent waits, and is deferred when that does not end", async () => {
  await using opened = await openRuns();
  let looks = 0;
  const isBusy = async () => {
    looks += 1;
    return looks < 3;
  };
  const waited = await recordRun({ ...opened.options, isBusy }, async (run) => {
    await run.giveWay();
  });
  expect([waited, looks]).toEqual(["done", 3]);
  const deferred = await recordRun({ ...opened.options, isBusy: async () => true, maxGiveWayMs: 1 }, async (run) => {
    run.changed("rows");
    await run.giveWay();
  });
  expect(deferred).toBe("deferred");
  expect((await opened.runs())[0]).toMatchObject({ outcome: "deferred", changed: { rows: 1 } });
});
