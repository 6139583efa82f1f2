import { once } from "node:events";
import process from "node:process";
import { expect, test } from "vitest";
import { MillraceError } from "./millrace-error.ts";
import { createReport } from "./report.ts";

const event = { source: "/shop", type: "order.paid" };
const rejection = { code: "invalid_time", message: "no" };

test("a callback that fails becomes a warning, and the counts are right", async () => {
  const report = createReport({
    onRejected() {
      throw new Error("my callback");
    },
    onDropped: (async () => {
      throw new Error("my async callback");
    }) as () => void, // as from JavaScript
  });
  report.sent();
  report.sent();
  const warnings = warned(2);
  report.rejected(event, rejection);
  report.dropped(() => event, "overflow");
  expect((await warnings).join()).toMatch(/my callback.*my async callback/s);
  expect(report.statistics()).toMatchObject({ sent: 2, queued: 0, rejected: 1, dropped: 1 });
});

test("without callbacks each kind of loss is a warning once, and what is tried again is none", async () => {
  const report = createReport({});
  const warnings = warned(2);
  report.failed(new MillraceError("network", "again", { isRetryable: true }));
  for (let count = 0; count < 3; count += 1) report.rejected(event, rejection);
  for (let count = 0; count < 3; count += 1) report.dropped(() => event, "overflow");
  expect(await warnings).toEqual([
    "An event was rejected (invalid_time): no",
    "An event was dropped: the buffer is full",
  ]);
});

/** The messages of the next `count` warnings, and of those of the same turn of the loop; they are not printed. */
async function warned(count: number): Promise<string[]> {
  const printers = process.listeners("warning");
  const messages: string[] = [];
  process.removeAllListeners("warning");
  process.on("warning", ({ message }) => messages.push(message));
  while (messages.length < count) await once(process, "warning");
  await new Promise(setImmediate);
  process.removeAllListeners("warning");
  for (const print of printers) process.on("warning", print);
  return messages;
}
