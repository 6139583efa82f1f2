import type { Cache } from "@millrace/cache";
import type { Db } from "@millrace/db";
import type { Queues } from "@millrace/jobs";
import type { FastifyInstance } from "fastify";
import { registerBalances } from "./balances/balance-routes.ts";
import { registerBlocks } from "./blocks/block-routes.ts";
import { createCachedDb } from "./caching/cached-db.ts";
import type { DirectReads } from "./caching/direct-reads.ts";
import { createDomainCaches, type DomainCacheOptions } from "./caching/domain-caches.ts";
import type { Idempotency } from "./events/idempotency.ts";
import { registerReports } from "./reports/report-routes.ts";
import { registerSessions } from "./sessions/session-routes.ts";
import { registerSignIn, type SignInOptions } from "./sign-in/sign-in-routes.ts";
import { registerUsers } from "./users/user-routes.ts";
import type { Outcomes } from "./writes/outcomes.ts";
import { registerWriteStatus } from "./writes/write-routes.ts";
import { createWriter } from "./writes/writer.ts";

export interface DomainOptions {
  readonly caches: DomainCacheOptions;
  readonly signIn: SignInOptions;
  readonly maxWaitMs: number;
}

export interface DomainNeeds extends DomainOptions {
  readonly db: Db;
  readonly queues: Queues;
  readonly cache: Cache;
  readonly outcomes: Outcomes;
  readonly idempotency: Idempotency;
  readonly directReads: DirectReads;
}

/** Users, sessions, reports, blocks, balances and signing in: read through the cache, written through the queue. */
export function registerDomain(app: FastifyInstance, needs: DomainNeeds): void {
  const { db, queues, cache, outcomes, idempotency, maxWaitMs, directReads } = needs;
  const caches = createDomainCaches(cache, needs.caches);
  const writer = createWriter(app, { queues, idempotency, outcomes, maxWaitMs });
  registerUsers(app, { db, caches, directReads, writer });
  registerSessions(app, { db, cachedDb: createCachedDb(db, cache), caches, directReads, writer });
  registerReports(app, { db, caches, directReads, writer });
  registerBlocks(app, { db, caches, writer });
  registerBalances(app, { db, caches, directReads, writer });
  registerSignIn(app, { db, cache, options: needs.signIn });
  registerWriteStatus(app, { db, queues });
}
