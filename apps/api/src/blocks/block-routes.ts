import type { Db } from "@millrace/db";
import { blockStatements, cacheKeys, newest } from "@millrace/domain";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { walletAddress } from "../addresses/wallet-address.ts";
import type { CachedBlock, DomainCaches } from "../caching/domain-caches.ts";
import { positionOf } from "../events/read/page-cursor.ts";
import { commonProblems } from "../events/read/reply-schemas.ts";
import { pageOf, pageParams } from "../http/domain-pages.ts";
import { HttpProblem } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";
import { storableText } from "../http/storable-text.ts";
import type { Writer } from "../writes/writer.ts";
import { block, blockOf } from "./block.ts";

const path = "/v1/blocks";
const pair = z.object({ blocker: walletAddress, blocked: walletAddress });
const body = z.strictObject({
  reason: storableText(1, 1_000).nullable().default(null),
  expires_at: z.iso.datetime({ offset: true }).nullable().default(null).describe("Null: until it is removed"),
});
const query = z.strictObject({ blocker: walletAddress, ...pageParams });
const page = z.object({ blocks: z.array(block), next: z.string().nullable() });
const check = z.object({
  is_blocked: z.boolean().describe("One has blocked the other, so that they cannot call each other"),
  by: z.array(z.string()).describe("Who has"),
});

export interface BlockNeeds {
  readonly db: Db;
  readonly caches: Pick<DomainCaches, "blocks">;
  readonly writer: Writer;
}

export function registerBlocks(app: FastifyInstance, { db, caches, writer }: BlockNeeds): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ["blocks"];
  const config = { scope: "read" } as const;

  /** By `blocker/blocked`, those of the pairs that hold now. */
  async function blocksOf(pairs: readonly (readonly [blocker: string, blocked: string])[]) {
    const keys = pairs.map(([blocker, blocked]) => cacheKeys.block(blocker, blocked).key);
    const found = await caches.blocks.getMany(keys, async (missing) => {
      const parts = missing.map((key) => key.split("/"));
      const rows = await db.rows(blockStatements.findMany, [
        parts.map(([blocker = ""]) => blocker),
        parts.map(([, blocked = ""]) => blocked),
      ]);
      return new Map(rows.map((row) => [cacheKeys.block(row.blocker, row.blocked).key, blockOf(row)]));
    });
    return [...found.values()].filter(holds);
  }

  routes.get(
    path,
    {
      config,
      schema: {
        tags,
        summary: "List whom an address has blocked, newest first",
        querystring: query,
        response: { 200: page, ...commonProblems },
      },
    },
    async (request) => {
      const { blocker, limit, cursor } = request.query;
      const before =
        cursor === undefined ? { time: newest.time, id: newest.address } : positionOf(cursor, { blocker, list: path });
      const rows = await db.rows(blockStatements.listByBlocker, [blocker, before.time, before.id, limit + 1]);
      const idOf = ({ blocked }: CachedBlock): string => blocked;
      const { shown, next } = pageOf(rows.map(blockOf), { path, filters: { blocker }, limit, idOf });
      return { blocks: shown, next };
    },
  );

  routes.get(
    `${path}/check`,
    {
      config,
      schema: {
        tags,
        summary: "Whether two can call each other",
        querystring: z.strictObject({ one: walletAddress, other: walletAddress }),
        response: { 200: check, ...commonProblems },
      },
    },
    async (request) => {
      const { one, other } = request.query;
      const blocks = await blocksOf([
        [one, other],
        [other, one],
      ]);
      return { is_blocked: blocks.length > 0, by: blocks.map(({ blocker }) => blocker) };
    },
  );

  routes.get(
    `${path}/:blocker/:blocked`,
    {
      config,
      schema: {
        tags,
        summary: "Whether one has blocked another",
        params: pair,
        response: { 200: block, ...commonProblems, 404: problemReply("There is no such block") },
      },
    },
    async (request) => {
      const { blocker, blocked } = request.params;
      const [found] = await blocksOf([[blocker, blocked]]);
      if (found !== undefined) return found;
      throw new HttpProblem({
        status: 404,
        code: "block_not_found",
        detail: `${blocker} has not blocked ${blocked}`,
      });
    },
  );

  writer.route({
    method: "PUT",
    url: `${path}/:blocker/:blocked`,
    kind: "blocks.create",
    tag: "blocks",
    summary: "Block an address, or change why and for how long",
    params: pair,
    body,
    row: block,
    payloadOf: ({ params: { blocker, blocked }, body: { reason, expires_at }, at }) => {
      if (blocker === blocked) {
        throw new HttpProblem({ status: 400, code: "invalid_request", detail: "Nobody can block themselves" });
      }
      return { blocker, blocked, reason, expires_at, at };
    },
  });

  writer.route({
    method: "DELETE",
    url: `${path}/:blocker/:blocked`,
    kind: "blocks.remove",
    tag: "blocks",
    summary: "Remove a block",
    params: pair,
    body: z.object({}),
    row: block,
    payloadOf: ({ params }) => params,
  });
}

function holds({ expires_at }: CachedBlock): boolean {
  return expires_at === null || Date.parse(expires_at) > Date.now();
}
