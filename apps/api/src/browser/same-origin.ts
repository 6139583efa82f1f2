import type { IncomingHttpHeaders } from "node:http";
import { HttpProblem } from "../http/problem.ts";

/**
 * Whether a browser says that its request comes from a page of ours: by `Sec-Fetch-Site` or, where it does not send
 * that (older ones, and plain HTTP on a network), by an `Origin` that is the request's own.
 */
export function isSameOrigin(headers: IncomingHttpHeaders): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin";
  const { origin, host } = headers;
  return origin !== undefined && host !== undefined && hostOf(origin) === host.toLowerCase();
}

/** Whether requests of that method only read, so that it does not matter who has a browser send them. */
export function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

export function crossSite(): HttpProblem {
  return new HttpProblem({
    status: 403,
    code: "cross_site_request",
    detail:
      "A request that changes something by a browser session must come from a page of this server; programs send a key in the header Authorization: Bearer KEY",
  });
}

function hostOf(origin: string): string | undefined {
  const url = URL.parse(origin);
  return url !== null && (url.protocol === "http:" || url.protocol === "https:") ? url.host : undefined;
}
