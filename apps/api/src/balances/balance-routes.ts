import type { Db } from "@millrace/db";
import { balanceStatements, cacheKeys } from "@millrace/domain";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { canonicalAddress, walletAddress } from "../addresses/wallet-address.ts";
import type { DirectReads } from "../caching/direct-reads.ts";
import type { DomainCaches } from "../caching/domain-caches.ts";
import { hashed, unversioned, versioned } from "../caching/representation.ts";
import { HttpProblem } from "../http/problem.ts";
import type { Writer } from "../writes/writer.ts";
import { balance, balanceOf } from "./balance.ts";

const maxUint256 = 2n ** 256n - 1n;

const canonicalAsset = "[A-Za-z0-9._:-]{1,100}";
const asset = z
  .string()
  .regex(new RegExp(`^${canonicalAsset}$`), "must have 1 to 100 letters, digits, or . _ : -")
  .meta({ example: "eip155:1" });
const ofAddress = z.object({ address: walletAddress });
const ofAsset = z.object({ address: walletAddress, asset });
const body = z.strictObject({
  amount: z
    .string()
    .regex(/^\d{1,78}$/, "must be a whole number in the asset's smallest unit, as text")
    .refine((amount) => !/^\d{1,78}$/.test(amount) || BigInt(amount) <= maxUint256, "must be below 2^256"),
  observed_at: z.iso
    .datetime({ offset: true })
    .optional()
    .describe("When it was so; an older observation never replaces a newer one. Default: now"),
});

export interface BalanceNeeds {
  readonly db: Db;
  readonly caches: Pick<DomainCaches, "balances">;
  readonly directReads: DirectReads;
  readonly writer: Writer;
}

export function registerBalances(app: FastifyInstance, { db, caches, directReads, writer }: BalanceNeeds): void {
  directReads.route(app, {
    url: "/v1/balances/:address",
    scope: "read",
    tag: "balances",
    summary: "Read all balances of an address",
    params: ofAddress,
    canonical: { address: canonicalAddress },
    row: z.object({ balances: z.array(balance) }),
    find: ({ address }) =>
      caches.balances.get(cacheKeys.balances(address).key, async () => {
        const rows = await db.rows(balanceStatements.listByAddress, [address]);
        return hashed({ balances: rows.map((row) => unversioned(balanceOf(row))) });
      }),
    notFound: ({ address }) => notFound(address, "any asset"),
  });

  directReads.route(app, {
    url: "/v1/balances/:address/:asset",
    scope: "read",
    tag: "balances",
    summary: "Read one balance",
    params: ofAsset,
    canonical: { address: canonicalAddress, asset: canonicalAsset },
    row: balance,
    find: ({ address, asset }) =>
      caches.balances.get(cacheKeys.balance(address, asset).key, async () => {
        const [row] = await db.rows(balanceStatements.get, [address, asset]);
        return row && versioned(balanceOf(row));
      }),
    notFound: ({ address, asset }) => notFound(address, asset),
  });

  writer.route({
    method: "PUT",
    url: "/v1/balances/:address/:asset",
    kind: "balances.set",
    tag: "balances",
    summary: "Set a balance to what was observed",
    params: ofAsset,
    body,
    row: balance,
    payloadOf: ({ params: { address, asset }, body: { amount, observed_at }, at }) => ({
      address,
      asset,
      amount,
      observed_at: observed_at ?? at,
    }),
  });
}

function notFound(address: string, asset: string): HttpProblem {
  return new HttpProblem({ status: 404, code: "balance_not_found", detail: `${address} has no balance of ${asset}` });
}
