import type { FastifyInstance, FastifyRequest } from "fastify";

/** What the policy of a page allows beyond that of all pages. */
export interface PagePolicy {
  /** Sources of scripts, such as `'sha256-…'`. */
  readonly scripts?: readonly string[];
  readonly styles?: readonly string[];
  /** What `<base>` may name; nothing, if it is not said. */
  readonly base?: string;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /**
     * The route is for browsers: its answers have the security headers of pages. Whoever opens it without a session
     * is sent to the sign-in, and what goes wrong is told as a page.
     */
    page?: boolean | PagePolicy;
  }
}

/** Gives every answer of a page's route the headers that keep other sites, and what slipped into the page, out. */
export function registerPageHeaders(app: FastifyInstance): void {
  const made = new WeakMap<PagePolicy, Readonly<Record<string, string>>>();
  app.addHook("onRequest", (request, reply, done) => {
    const { page } = request.routeOptions.config;
    if (page === undefined || page === false) return done();
    const policy = page === true ? plain : page;
    const headers = made.get(policy) ?? pageHeaders(policy);
    made.set(policy, headers);
    reply.headers(headers);
    done();
  });
}

/** Whether a person opened the page in a browser, as opposed to a script or program that wants data. */
export function isNavigation({ method, headers, routeOptions }: FastifyRequest): boolean {
  const isPage = routeOptions.config.page !== undefined && routeOptions.config.page !== false;
  return isPage && (method === "GET" || method === "HEAD") && (headers.accept ?? "").includes("text/html");
}

const plain: PagePolicy = {};

function pageHeaders({ scripts = [], styles = [], base = "'none'" }: PagePolicy): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    ["script-src 'self'", ...scripts].join(" "),
    ["style-src 'self'", ...styles].join(" "),
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'self'",
    "form-action 'self'",
    `base-uri ${base}`,
    "frame-ancestors 'none'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    "x-content-type-options": "nosniff",
    // With `no-referrer` browsers would also hide where a form comes from, which is how a forged one is told apart.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
  };
}
