import { expect, test } from "vitest";
import { outcomeOf } from "./outcome.ts";

const of = (status: number, body: unknown, count = 2) => outcomeOf({ status, body: JSON.stringify(body) }, count);
const rejection = { index: 1, code: "invalid_time", message: "no" };

test("an answer that tells of each event decides", () => {
  expect(of(202, { accepted: 2, rejected: [] })).toEqual({ kind: "decided", rejected: new Map() });
  const rejected = new Map([[1, { code: "invalid_time", message: "no" }]]);
  expect(of(202, { accepted: 1, rejected: [rejection] })).toEqual({ kind: "decided", rejected });
  expect(of(400, { accepted: 0, rejected: [{ ...rejection, index: 0 }, rejection] })).toMatchObject({
    kind: "decided",
    rejected: { size: 2 },
  });
});

test.each([
  ["no object", []],
  ["too few", { accepted: 1, rejected: [] }],
  ["too many", { accepted: 2, rejected: [rejection] }],
  ["one twice", { accepted: 0, rejected: [rejection, rejection] }],
  ["an index beyond", { accepted: 1, rejected: [{ ...rejection, index: 2 }] }],
  ["an index that is none", { accepted: 1, rejected: [{ ...rejection, index: "1" }] }],
  ["no list", { accepted: 2 }],
  ["null in the list", { accepted: 1, rejected: [null] }],
])("a success that tells of %s is not believed", (_, body) => {
  expect(of(200, body)).toMatchObject({ kind: "failed", isServerError: true, error: { code: "invalid_answer" } });
});

test.each([
  [301, "refused", "url_refused"],
  [401, "refused", "key_refused"],
  [403, "refused", "key_refused"],
  [404, "refused", "url_refused"],
  [405, "refused", "url_refused"],
  [408, "failed", "unavailable"],
  [425, "failed", "unavailable"],
  [429, "failed", "rate_limited"],
  [500, "failed", "server_error"],
  [501, "failed", "server_error"],
  [502, "failed", "unavailable"],
  [503, "failed", "unavailable"],
  [504, "failed", "unavailable"],
])("%d is %s as %s, with what the server said", (status, kind, code) => {
  const outcome = of(status, { detail: "because" });
  expect(outcome).toMatchObject({ kind, error: { code, status, isRetryable: kind === "failed" } });
  expect("error" in outcome && outcome.error.message).toContain("because");
});

test.each([400, 409, 415, 422])("%d without a list rejects all with the problem's code", (status) => {
  const rejected = { code: "invalid_json", message: "no" };
  expect(of(status, { type: "/problems/invalid_json", detail: "no" })).toEqual({
    kind: "decided",
    rejected: new Map([
      [0, rejected],
      [1, rejected],
    ]),
  });
});

test("a body that is not JSON still has its status", () => {
  expect(outcomeOf({ status: 413, body: "<html>" }, 1)).toMatchObject({ kind: "too_large" });
  expect(outcomeOf({ status: 418, body: "" }, 1)).toMatchObject({ rejected: new Map([[0, { code: "http_418" }]]) });
});
