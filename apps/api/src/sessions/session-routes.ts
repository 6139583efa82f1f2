import type { Db } from "@millrace/db";
import { cacheKeys, type SessionList, sessionStatements } from "@millrace/domain";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { walletAddress } from "../addresses/wallet-address.ts";
import type { CachedDb } from "../caching/cached-db.ts";
import type { DirectReads } from "../caching/direct-reads.ts";
import type { DomainCaches } from "../caching/domain-caches.ts";
import { hashed, sendFound, unversioned, versioned } from "../caching/representation.ts";
import { positionOf } from "../events/read/page-cursor.ts";
import { commonProblems } from "../events/read/reply-schemas.ts";
import { canonicalId } from "../http/canonical-id.ts";
import { pageOf, pageParams } from "../http/domain-pages.ts";
import { HttpProblem } from "../http/problem.ts";
import { storableText } from "../http/storable-text.ts";
import type { Writer } from "../writes/writer.ts";
import { listSessions } from "./list-sessions.ts";
import { session, sessionOf } from "./session.ts";

const path = "/v1/sessions";
const dayMs = 86_400_000;
const figuresTtlMs = 60_000;

const params = z.object({ id: z.guid().toLowerCase() });
const seconds = (ofDefault: number, most: number) => z.int().min(1).max(most).default(ofDefault);
const createBody = z
  .strictObject({
    a_addr: walletAddress.describe("Who calls"),
    b_addr: walletAddress.describe("Who is called"),
    expires_in: seconds(60, 3_600).describe("Seconds for which it rings"),
  })
  .refine(({ a_addr, b_addr }) => a_addr !== b_addr, { path: ["b_addr"], message: "nobody can call themselves" });
const startBody = z.strictObject({
  expires_in: seconds(4 * 3_600, 86_400).describe("Seconds that the call may last"),
});
const endBody = z.strictObject({ reason: storableText(1, 200).default("hung_up") });

const time = z.iso.datetime({ offset: true });
const query = z.strictObject({
  address: walletAddress.optional().describe("Only calls by or to this address"),
  state: z.enum(["created", "active", "ended"]).optional(),
  reported: z.literal("true").optional().describe("Only those that were reported"),
  from: time.optional().describe("Only those created then or later (RFC 3339)"),
  to: time.optional().describe("Only those created before then (RFC 3339)"),
  ...pageParams,
});
const page = z.object({ sessions: z.array(session), next: z.string().nullable() });
const statsQuery = z.strictObject({ days: z.coerce.number().int().min(1).max(90).default(7) });
const stats = z.object({
  days: z.array(z.object({ day: z.string(), calls: z.int(), seconds: z.number() })).describe("Days (UTC) with calls"),
});

export interface SessionNeeds {
  readonly db: Db;
  readonly cachedDb: CachedDb;
  readonly caches: Pick<DomainCaches, "sessions">;
  readonly directReads: DirectReads;
  readonly writer: Writer;
}

export function registerSessions(
  app: FastifyInstance,
  { db, cachedDb, caches, directReads, writer }: SessionNeeds,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ["sessions"];
  const config = { scope: "read" } as const;

  routes.get(
    path,
    {
      config,
      schema: {
        tags,
        summary: "List sessions, newest first",
        description: "By address on either side, by state, by time, or those that were reported.",
        querystring: query,
        response: { 200: page, ...commonProblems },
      },
    },
    (request, reply) => {
      const { limit, cursor, ...given } = request.query;
      const filters = { ...given, list: path };
      const before = cursor === undefined ? undefined : positionOf(cursor, filters);
      const filter = { ...given, reported: given.reported === "true" ? true : undefined };
      const load = async () => {
        const rows = await listSessions(db, filter, { after: before, limit: limit + 1 });
        const all = rows.map((row) => unversioned(sessionOf(row)));
        const { shown, next } = pageOf(all, { path, filters: given, limit, idOf: ({ id }) => id });
        return hashed({ sessions: shown, next });
      };
      const list =
        limit === pageParams.limit.parse(undefined) && before === undefined ? cachedListOf(given) : undefined;
      const found =
        list === undefined ? load() : caches.sessions.get(cacheKeys.sessionsOf(list.address, list.name).key, load);
      sendFound(request, reply, found, () => notFound("the list"));
    },
  );

  routes.get(
    `${path}/stats`,
    {
      config,
      schema: {
        tags,
        summary: "Calls and seconds talked, by day",
        description: "Up to a minute old.",
        querystring: statsQuery,
        response: { 200: stats },
      },
    },
    async (request) => {
      const today = Math.floor(Date.now() / dayMs) * dayMs;
      const from = new Date(today - (request.query.days - 1) * dayMs);
      const rows = await cachedDb.rows(sessionStatements.talkTimeByDay, [from, new Date(today + dayMs)], {
        cache: { ttl: figuresTtlMs, key: from.toISOString().slice(0, 10) },
      });
      return { days: rows.map(({ day, calls, seconds }) => ({ day, calls: Number(calls), seconds })) };
    },
  );

  directReads.route(app, {
    url: `${path}/:id`,
    scope: "read",
    tag: "sessions",
    summary: "Read one session",
    params,
    canonical: { id: canonicalId },
    row: session,
    find: ({ id }) =>
      caches.sessions.get(cacheKeys.session(id).key, async () => {
        const [row] = await db.rows(sessionStatements.getById, [id]);
        return row && versioned(sessionOf(row));
      }),
    notFound: ({ id }) => notFound(`session ${id}`),
  });

  writer.route({
    method: "POST",
    url: path,
    kind: "sessions.create",
    tag: "sessions",
    summary: "Call somebody",
    description: "Refused when one of the two has blocked the other.",
    params: z.object({}),
    body: createBody,
    row: session,
    locationOf: ({ id }) => `${path}/${String(id)}`,
    payloadOf: ({ body: { a_addr, b_addr, expires_in }, newId, at, atMs }) => ({
      id: newId(),
      a_addr,
      b_addr,
      at,
      expires_at: new Date(atMs + expires_in * 1_000).toISOString(),
    }),
  });

  writer.route({
    method: "POST",
    url: `${path}/:id/start`,
    kind: "sessions.start",
    tag: "sessions",
    summary: "Answer a call",
    params,
    body: startBody,
    row: session,
    payloadOf: ({ params: { id }, body: { expires_in }, at, atMs }) => ({
      id,
      at,
      expires_at: new Date(atMs + expires_in * 1_000).toISOString(),
    }),
  });

  writer.route({
    method: "POST",
    url: `${path}/:id/end`,
    kind: "sessions.end",
    tag: "sessions",
    summary: "End a call, or decline it",
    params,
    body: endBody,
    row: session,
    payloadOf: ({ params: { id }, body: { reason }, at }) => ({ id, at, reason }),
  });
}

type Given = Omit<z.output<typeof query>, "limit" | "cursor">;

/** The cached list that this is, if it is one: all, active or ringing calls of an address. */
function cachedListOf({
  address,
  state,
  reported,
  from,
  to,
}: Given): { address: string; name: SessionList } | undefined {
  if (address === undefined || reported !== undefined || from !== undefined || to !== undefined) return undefined;
  if (state === "ended") return undefined;
  return { address, name: state === undefined ? "all" : state === "active" ? "active" : "ringing" };
}

function notFound(what: string): HttpProblem {
  return new HttpProblem({ status: 404, code: "session_not_found", detail: `There is no ${what}` });
}
