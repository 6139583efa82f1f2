import fc from "fast-check";
import { expect, test } from "vitest";
import { defaultPath, nextPathOf, signInPath } from "./next-path.ts";

const site = "https://millrace.example";

/** Texts made of what parsers of addresses disagree about. */
const piece = fc.constantFrom(
  ...[
    "/",
    "//",
    "\\",
    ".",
    "..",
    ":",
    "@",
    "#",
    "?",
    "%2f",
    "%5c",
    "%0a",
    "%00",
    "\t",
    "\n",
    "\r",
    "\0",
    " ",
    "\u00a0",
  ],
  ...[
    "https:",
    "javascript:",
    "evil.example",
    "millrace.example",
    "console",
    "＼",
    "／",
    "‥",
    "é",
    "[",
    "]",
    "a=b",
    "&",
  ],
);
const address = fc.oneof(
  fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join("")),
  fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join("")}`),
  fc.webUrl(),
  fc.string({ unit: "binary" }),
);

test("whatever is asked for, a browser stays on this site", () => {
  fc.assert(
    fc.property(address, (next) => {
      const path = nextPathOf(next);
      expect(new URL(path, `${site}/session`).origin).toBe(site);
      expect(path).toMatch(/^\/(?![/\\])[!-[\]-~]*$/); // and nothing that a header could not hold
      expect(nextPathOf(path)).toBe(path);
    }),
    { numRuns: 2_000 },
  );
});

test("a path of this site comes back from the sign-in as it was", () => {
  const segment = fc.stringMatching(/^[\w~-]{1,8}$/);
  const query = fc.dictionary(segment, fc.string()).map((values) => new URLSearchParams(values).toString());
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), query, (segments, search) => {
      const path = `/${segments.join("/")}${search && `?${search}`}`;
      expect(nextPathOf(new URL(signInPath(path), site).searchParams.get("next"))).toBe(path);
    }),
  );
});

test.each([
  "https://evil.example/",
  "//evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "/.//evil.example",
  "/x/..//evil.example",
  "/%0d%0aset-cookie:x".replace("%0d%0a", "\r\n"),
  "javascript:alert(1)",
  "evil.example",
  " /console",
  "",
  undefined,
  ["/queues", "/queues"],
  `/${"a".repeat(2_048)}`,
])("%o leads to the console", (next) => {
  expect(nextPathOf(next)).toBe(defaultPath);
});
