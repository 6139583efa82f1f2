import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Authenticator, Principal, Scope } from "@millrace/access";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import { commonProblems } from "../events/read/reply-schemas.ts";
import type { ObserveRoute, RequestObserver } from "../http/metrics.ts";
import type { HttpProblem } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";
import { cacheControl, contentType, isKnownBy, type Reply, sendFound } from "./representation.ts";

type Found = Reply | undefined;
type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** One cached thing under a path of its own. */
export interface DirectRead<Params extends z.ZodObject, Name extends string> {
  /** Such as `/v1/users/:address`. */
  readonly url: string;
  readonly scope: Scope;
  readonly tag: string;
  readonly summary: string;
  readonly params: Params;
  /** By parameter, an expression of the form in which it needs no checking: what `params` would give back as it is. */
  readonly canonical: Readonly<Record<Name, string>>;
  readonly row: z.ZodType;
  readonly find: (params: Readonly<Record<Name, string>>) => Found | Promise<Found>;
  readonly notFound: (params: Readonly<Record<Name, string>>) => HttpProblem;
}

export interface DirectReads {
  /** Give this to Fastify as its `serverFactory`. */
  createServer(handler: Handler): Server;
  /** Adds the route to the app, and answers it without the app where nothing is wrong. */
  route<Params extends z.ZodObject, Name extends string & keyof z.output<Params>>(
    app: FastifyInstance,
    read: DirectRead<Params, Name>,
  ): void;
}

interface DirectRoute {
  readonly scope: Scope;
  readonly observe: ObserveRoute;
  /** What its paths begin with; looked at first, since most requests are for something else. */
  readonly prefix: string;
  readonly path: RegExp;
  find(params: Readonly<Record<string, string>>): Found | Promise<Found>;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: DirectRoute;
  readonly startedAt: number;
}

export interface DirectReadsNeeds {
  readonly authenticator: Authenticator;
  readonly observer: RequestObserver;
  readonly requestTimeoutMs: number;
}

const keepAliveMs = 72_000;

/**
 * Answers the reads of single things straight from the server, since finding a value in memory takes less time than
 * a framework's way to a route. Whatever is not plain (a key not seen lately, a parameter to normalise, a query,
 * nothing found, an error) takes that way, which answers the same.
 */
export function createDirectReads({ authenticator, observer, requestTimeoutMs }: DirectReadsNeeds): DirectReads {
  const routes: DirectRoute[] = [];
  /** What was looked up already for a request that the app answers after all. */
  const lookedUp = new WeakMap<IncomingMessage, Found | Promise<Found>>();

  /** Whether the request is taken; if not, nothing was done. */
  function take(request: IncomingMessage, response: ServerResponse, handler: Handler): boolean {
    if (request.method !== "GET") return false;
    const path = request.url ?? "";
    for (const route of routes) {
      const params = path.startsWith(route.prefix) ? route.path.exec(path)?.groups : undefined;
      if (params === undefined) continue;
      const startedAt = performance.now();
      const { authorization, cookie } = request.headers;
      if (!mayRead(authenticator.authenticate(authorization, cookie), route.scope)) return false;
      const exchange = { request, response, route, startedAt };
      const found = route.find(params);
      if (found === undefined || found instanceof Promise) answerLater(exchange, found, handler);
      else answer(exchange, found);
      return true;
    }
    return false;
  }

  /** Answers when it is found; that there is none, or an error, is for the app to say. */
  function answerLater(exchange: Exchange, found: undefined | Promise<Found>, handler: Handler): void {
    const { request, response } = exchange;
    const leave = (): void => {
      lookedUp.set(request, found);
      handler(request, response);
    };
    const decide = (value: Found): void => (value === undefined ? leave() : answer(exchange, value));
    if (found === undefined) leave();
    else found.then(decide, leave);
  }

  return {
    createServer: (handler) => {
      const server = createServer({ requestTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveMs });
      server.on("request", (request, response) => {
        if (!take(request, response, handler)) handler(request, response);
      });
      return server;
    },

    route(app, { url, scope, tag, summary, params, canonical, row, find, notFound }) {
      const patterns: Readonly<Record<string, string>> = canonical;
      const path = url.replace(/:(\w+)/g, (_, name: string) => `(?<${name}>${patterns[name]})`);
      // The expression has a group for each of the names.
      routes.push({
        observe: observer.of("GET", url),
        scope,
        prefix: url.slice(0, url.indexOf(":")),
        path: new RegExp(`^${path}$`),
        find: find as DirectRoute["find"],
      });
      app.withTypeProvider<ZodTypeProvider>().get(
        url,
        {
          config: { scope },
          schema: {
            tags: [tag],
            summary,
            params,
            response: { 200: row, ...commonProblems, 404: problemReply("There is none") },
          },
        },
        (request: FastifyRequest, reply: FastifyReply) => {
          // As `params` made them, which has all the names and gives text.
          const given = request.params as Readonly<Record<string, string>> as Parameters<typeof find>[0];
          const found = lookedUp.has(request.raw) ? lookedUp.get(request.raw) : find(given);
          sendFound(request, reply, found, () => notFound(given));
        },
      );
    },
  };
}

function answer({ request, response, route, startedAt }: Exchange, reply: Reply): void {
  route.observe(write(request, response, reply), performance.now() - startedAt);
}

function mayRead(principal: Principal | undefined | Promise<Principal | undefined>, scope: Scope): boolean {
  if (principal instanceof Promise) {
    principal.catch(() => {}); // the app asks again, and says so
    return false;
  }
  return principal?.scopes.has(scope) === true;
}

/** Gives the status. */
function write(request: IncomingMessage, response: ServerResponse, reply: Reply): number {
  const { etag, body, contentLength, encoding } = reply;
  if (isKnownBy(request.headers, etag)) {
    response.writeHead(304, ["etag", etag, "cache-control", cacheControl]).end();
    return 304;
  }
  response
    .writeHead(200, [
      "etag",
      etag,
      "cache-control",
      cacheControl,
      "content-type",
      contentType,
      "content-length",
      contentLength,
    ])
    .end(body, encoding);
  return 200;
}
