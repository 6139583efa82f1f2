import fc from "fast-check";
import { expect, test } from "vitest";
import { windowsOf } from "./windows.ts";

const now = Date.UTC(2026, 10, 23);
const time = fc
  .date({ min: new Date("2015-01-01T00:00:00Z"), max: new Date("2028-01-01T00:00:00Z"), noInvalidDate: true })
  .map((date) => date.toISOString());
const maybeTime = fc.option(time, { nil: undefined });

test("windows cover the whole range down to the oldest month, newest first, without gap or overlap", async () => {
  await fc.assert(
    fc.asyncProperty(maybeTime, maybeTime, fc.integer({ min: 1, max: 12 }), async (from, to, months) => {
      const oldest = async () => "2016-03";

      const windows = await Array.fromAsync(windowsOf({ from, to }, { months, oldest, now }));

      expect(windows[0]?.to).toBe(to);
      for (const [index, { to: end }] of windows.entries()) {
        if (index > 0) expect(end).toBe(windows[index - 1]?.from);
      }
      const reached = windows.at(-1)?.from ?? "";
      const floor = Date.parse("2016-03-01T00:00:00Z");
      expect(
        reached === from || (Date.parse(reached) <= floor && Date.parse(reached) > Date.parse(from ?? "0001-01-01")),
      ).toBe(true);
    }),
  );
});

test("the oldest month is asked for only if more than the first window is wanted", async () => {
  const oldest = () => Promise.reject(new Error("asked"));

  const windows = windowsOf({}, { months: 12, oldest, now });

  expect(await windows.next()).toEqual({ done: false, value: { from: "2025-12-01T00:00:00Z", to: undefined } });
  await expect(windows.next()).rejects.toThrow("asked");
});
