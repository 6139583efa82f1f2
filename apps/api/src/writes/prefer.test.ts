import { expect, test } from "vitest";
import { waitIn } from "./prefer.ts";

test.each([
  [undefined, undefined],
  ["respond-async", undefined],
  ["wait=5", 5],
  ["respond-async, wait=10", 10],
  ['wait="3"; foo=bar', 3],
  ["Wait = 7", 7],
  [["respond-async", "wait=2"], 2],
  ["wait=-1", undefined],
  ["wait=1.5", undefined],
  ["awaiting=4", undefined],
])("the preference %j waits %j seconds", (header, seconds) => {
  expect(waitIn(header)).toBe(seconds);
});
