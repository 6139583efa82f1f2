import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { commitOf, sightOf, startCut } from "./clean-cut.ts";
import { segmentNames, unbrokenRun, walFilesIn, wayFrom } from "./wal-segments.ts";

const mebibyte = 1_048_576;

test("segments are named as PostgreSQL names them, whatever their size", () => {
  const usual = segmentNames(16 * mebibyte);
  expect(usual.at("0/3000028", 1)).toBe("000000010000000000000003");
  expect(usual.at("1A/FF000000", 2)).toBe("000000020000001A000000FF");
  expect(segmentNames(mebibyte).at("0/3000028", 1)).toBe("000000010000000000000030");
  expect(segmentNames(1_024 * mebibyte).at("2/C0000000", 1)).toBe("000000010000000200000003");
  fc.assert(
    fc.property(fc.bigInt(0n, 0xffff_ffffn), fc.constantFrom(1, 16, 64), (number, megabytes) => {
      const names = segmentNames(megabytes * mebibyte);
      expect(names.numberOf(names.named(number, 3))).toBe(number);
      expect(names.at(names.startOf(number), 3)).toBe(names.named(number, 3));
    }),
  );
});

test("the log is followed to its first gap, where the names carry over, and on to newer timelines", async () => {
  const names = segmentNames(16 * mebibyte);
  const main = [{ timeline: 1, from: 0n }];
  const all = ["0000000100000000000000FE", "0000000100000000000000FF", "000000010000000100000000"];
  expect(unbrokenRun(names, new Set(all), main, "0/FE000028")).toEqual({ segments: all, gap: undefined });
  const broken = new Set([all[0] ?? "", all[2] ?? ""]);
  expect(unbrokenRun(names, broken, main, "0/FE000028")).toEqual({ segments: [all[0]], gap: all[1] });

  const folder = await mkdtemp(join(tmpdir(), "millrace-wal-"));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "00000002.history"), "1\t0/3000100\tno recovery target specified\n");
  await writeFile(join(folder, "00000003.history"), "1\t0/3000100\tx\n\n2\t0/5000000\tx\n");
  await writeFile(join(folder, "00000004.history"), "1\t0/2000000\tbefore the backup\n");
  for (const name of ["000000010000000000000002", "000000010000000000000003.partial", "000000020000000000000003"]) {
    await writeFile(join(folder, name), "");
  }
  const files = await walFilesIn([folder]);
  const way = await wayFrom(1, "0/2500000", files);
  expect(way).toEqual([
    { timeline: 1, from: 0n },
    { timeline: 2, from: 0x3000100n },
    { timeline: 3, from: 0x5000000n },
  ]);
  const have = new Set([...files.segments.keys(), "000000020000000000000004", "000000030000000000000005"]);
  expect(unbrokenRun(names, have, way, "0/2500000").segments).toEqual([
    "000000010000000000000002",
    "000000020000000000000003",
    "000000020000000000000004",
    "000000030000000000000005",
  ]);
  await rm(folder, { recursive: true });
});

test("commits are read from what pg_waldump writes", () => {
  const line = (rest: string): string => `rmgr: Transaction len (rec/tot):     34/    34, tx:        735, ${rest}`;
  expect(commitOf(line("lsn: 0/01526470, prev 0/01526440, desc: COMMIT 2026-11-24 15:33:11.166123 UTC"))).toEqual({
    xid: 735,
    lsn: "0/01526470",
    at: new Date("2026-11-24T15:33:11.166Z"),
  });
  const prepared = "lsn: 1A/0152A, prev 0/0, desc: COMMIT_PREPARED 734: 2026-11-24 15:33:11.166123 UTC; inval msgs: x";
  expect(commitOf(line(prepared))).toMatchObject({ xid: 734, lsn: "1A/0152A" });
  expect(commitOf(line("lsn: 0/1, prev 0/0, desc: ABORT 2026-11-24 15:33:11.166123 UTC"))).toBeUndefined();
});

test("a cut is where all before it is seen and nothing after it, or nowhere", () => {
  const run = fc.record({
    // Commits in the order of the log; each becomes visible some steps later, or not yet.
    delays: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 30 }),
    at: fc.nat(35),
    firstXid: fc.constantFrom(700n, 2n ** 32n - 5n, 2n ** 33n),
  });
  fc.assert(
    fc.property(run, ({ delays, at, firstXid }) => {
      const commits = delays.map((delay, index) => ({ xid: firstXid + BigInt(index), seenFrom: index + delay }));
      const xmax = firstXid + BigInt(commits.length);
      const running = commits.filter(({ seenFrom }) => seenFrom > at).map(({ xid }) => xid);
      const cut = startCut(sightOf(`${running[0] ?? xmax}:${xmax}:${running.join(",")}`));
      for (const [index, { xid }] of commits.entries()) {
        cut.add({ xid: Number(xid % 2n ** 32n), lsn: `0/${index}`, at: new Date() });
      }
      const seen = commits.map(({ seenFrom }) => seenFrom <= at);
      const first = seen.indexOf(false);
      const expected = first < 0 ? "after" : seen.lastIndexOf(true) > first ? undefined : `0/${first}`;
      expect(cut.place()).toBe(expected);
    }),
  );
});
