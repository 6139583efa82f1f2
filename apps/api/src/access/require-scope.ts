import type { Authenticator, Principal, Scope } from "@millrace/access";
import type { FastifyInstance, FastifyRequest, RouteOptions } from "fastify";
import { crossSite, isSafe, isSameOrigin } from "../browser/same-origin.ts";
import { HttpProblem } from "../http/problem.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a key must be allowed to do to call the route; `public` routes need no key. */
    scope?: Scope | "public";
  }
  interface FastifyRequest {
    /** Who sent the request; `null` on public routes. */
    principal: Principal | null;
  }
}

/**
 * Lets only those through to a route whose key has the route's `config.scope`; the key is that of the header
 * `Authorization` or, where there is none, of the browser session. An app with a route that names no scope
 * does not start, so that none can be forgotten.
 */
export function registerAccess(app: FastifyInstance, authenticator: Authenticator): void {
  app.decorateRequest("principal", null);
  refuseRoutesWithoutScope(app);

  app.addHook("onRequest", (request, _reply, done) => {
    const { scope } = request.routeOptions.config;
    if (scope === "public" || request.is404) return done();
    const admit = (principal: Principal | undefined): void => {
      // A route from before this function was called may lack a scope; then only a key with all will do.
      const refusal = refusalOf(request, principal, scope ?? "admin");
      request.principal = principal ?? null;
      done(refusal);
    };
    // Nearly always the principal is known at once; no promise then, since every request goes through here.
    const { authorization, cookie } = request.headers;
    const principal = authenticator.authenticate(authorization, cookie);
    if (principal instanceof Promise) principal.then(admit, (error: unknown) => done(cannotAuthenticate(error)));
    else admit(principal);
  });
}

/** What is wrong with it that this principal sends a request that needs the scope; `undefined`: nothing. */
export function refusalOf(
  request: FastifyRequest,
  principal: Principal | undefined,
  scope: Scope,
): HttpProblem | undefined {
  if (principal === undefined) return notAuthenticated(request);
  // What a browser sends along by itself, another site can have it send.
  const { authorization } = request.headers;
  if (authorization === undefined && !isSafe(request.method) && !isSameOrigin(request.headers)) return crossSite();
  return principal.scopes.has(scope) ? undefined : notAllowed(principal, scope);
}

/** At the start, not when a route is added: the scope of a plugin's routes is set by hooks that run later. */
function refuseRoutesWithoutScope(app: FastifyInstance): void {
  const routes: RouteOptions[] = [];
  app.addHook("onRoute", (route) => {
    routes.push(route);
  });
  app.addHook("onReady", (done) => {
    const forgotten = routes.filter(({ config }) => config?.scope === undefined);
    const names = forgotten.map(({ method, url }) => `${[method].flat().join(",")} ${url}`);
    done(
      names.length === 0
        ? undefined
        : new Error(
            `Routes without a scope: ${names.join("; ")}. Give each config.scope: ingest, write, read, admin or public`,
          ),
    );
  });
}

function notAuthenticated(request: FastifyRequest): HttpProblem {
  return request.headers.authorization === undefined
    ? new HttpProblem({
        status: 401,
        code: "key_missing",
        detail: "Send an API key in the header Authorization: Bearer KEY",
        headers: { "www-authenticate": "Bearer" },
      })
    : new HttpProblem({
        status: 401,
        code: "key_invalid",
        detail: "The header Authorization has no valid key: it is not known, has expired or was revoked",
        headers: { "www-authenticate": 'Bearer error="invalid_token"' },
      });
}

function notAllowed({ name }: Principal, scope: Scope): HttpProblem {
  return new HttpProblem({
    status: 403,
    code: "scope_missing",
    detail: `The key "${name}" lacks the scope ${scope}; use one that has it`,
    headers: { "www-authenticate": `Bearer error="insufficient_scope", scope="${scope}"` },
  });
}

export function cannotAuthenticate(cause: unknown): HttpProblem {
  return new HttpProblem({
    status: 503,
    code: "database_unavailable",
    detail: "The key cannot be checked because the database does not answer; try again",
    headers: { "retry-after": "5" },
    cause,
  });
}
