/** What a server asks for is believed up to an hour, so that a wrong figure does not silence a client for good. */
const longestMs = 3_600_000;

/**
 * How many milliseconds the server asks us to stay away: the longer of `Retry-After` (RFC 9110, 10.2.3, seconds or
 * a date) and the reset of an exhausted limit in `RateLimit`; 0 if it asks for nothing, at most an hour.
 */
export function askedWaitMs(headers: Headers, now: number = Date.now()): number {
  const ms = Math.max(retryAfterMs(headers, now), rateLimitMs(headers));
  return Math.min(ms, longestMs);
}

function retryAfterMs(headers: Headers, now: number): number {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1_000;
  // Both dates are of the server's clock, which may not agree with ours.
  const sentAt = Date.parse(headers.get("date") ?? "");
  const ms = Date.parse(value) - (Number.isNaN(sentAt) ? now : sentAt);
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}

/**
 * The three forms in use: `"name";r=0;t=5, …` (draft-ietf-httpapi-ratelimit-headers-10), `limit=9, remaining=0,
 * reset=5` (-07), and the two fields `RateLimit-Remaining` and `RateLimit-Reset` (-06). All count in seconds.
 */
function rateLimitMs(headers: Headers): number {
  const limits = (headers.get("ratelimit") ?? "").replaceAll(/"[^"]*"/g, "name");
  const waits = /\bremaining\s*=/.test(limits)
    ? [resetOf(numberIn(limits, "remaining"), numberIn(limits, "reset"))]
    : limits.split(",").map((limit) => resetOf(numberIn(limit, "r"), numberIn(limit, "t")));
  waits.push(resetOf(numberOf(headers.get("ratelimit-remaining")), numberOf(headers.get("ratelimit-reset"))));
  return Math.max(...waits) * 1_000;
}

function resetOf(remaining: number | undefined, seconds: number | undefined): number {
  return remaining === 0 ? (seconds ?? 0) : 0;
}

function numberIn(text: string, name: string): number | undefined {
  return numberOf(new RegExp(`(?:^|[;,\\s])${name}\\s*=\\s*(\\d+)`).exec(text)?.[1]);
}

function numberOf(text: string | null | undefined): number | undefined {
  return text != null && /^\s*\d+\s*$/.test(text) ? Number(text) : undefined;
}
