import { expect, test } from "vitest";
import { askedWaitMs } from "./asked-wait.ts";

const now = Date.UTC(2026, 10, 24);

test.each<[Record<string, string>, number]>([
  [{}, 0],
  [{ "retry-after": "7" }, 7_000],
  [{ "retry-after": " 0 " }, 0],
  [{ "retry-after": "Tue, 24 Nov 2026 00:00:10 GMT" }, 10_000],
  [{ "retry-after": "Mon, 23 Nov 2026 00:00:10 GMT" }, 0],
  [{ "retry-after": "Mon, 23 Nov 2026 00:00:10 GMT", date: "Mon, 23 Nov 2026 00:00:00 GMT" }, 10_000],
  [{ "retry-after": "soon" }, 0],
  [{ "retry-after": "-5" }, 0],
  [{ "retry-after": "1e9" }, 0],
  [{ "retry-after": "99999999999" }, 3_600_000],
  [{ ratelimit: '"default";r=0;t=5' }, 5_000],
  [{ ratelimit: '"default";r=3;t=5' }, 0],
  [{ ratelimit: '"a,b;r=0;t=99";r=1;t=9, "day";t=20;r=0' }, 20_000],
  [{ ratelimit: "limit=100, remaining=0, reset=5" }, 5_000],
  [{ ratelimit: "limit=100, remaining=1, reset=5" }, 0],
  [{ "ratelimit-remaining": "0", "ratelimit-reset": "4" }, 4_000],
  [{ "ratelimit-remaining": "1", "ratelimit-reset": "4" }, 0],
  [{ "retry-after": "3", ratelimit: '"default";r=0;t=5' }, 5_000],
])("%j asks for %d ms", (headers, ms) => {
  expect(askedWaitMs(new Headers(headers), now)).toBe(ms);
});
