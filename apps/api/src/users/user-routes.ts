import type { Db } from "@millrace/db";
import { cacheKeys, userStatements } from "@millrace/domain";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { canonicalAddress, walletAddress } from "../addresses/wallet-address.ts";
import type { DirectReads } from "../caching/direct-reads.ts";
import type { DomainCaches } from "../caching/domain-caches.ts";
import { versioned } from "../caching/representation.ts";
import { isTooDeep, unstorableCharacterIn } from "../events/json-limits.ts";
import { HttpProblem } from "../http/problem.ts";
import { storableText } from "../http/storable-text.ts";
import type { Writer } from "../writes/writer.ts";
import { user, userOf } from "./user.ts";

const params = z.object({ address: walletAddress });
const body = z.strictObject({
  display_name: storableText(1, 200).nullable().default(null),
  profile: z
    .record(z.string(), z.unknown())
    .refine((profile) => !isTooDeep(profile, 16), "must not be nested more than 16 deep")
    .refine((profile) => !unstorableCharacterIn(profile), "must not have a NUL character or a lone surrogate")
    .default({}),
});

export interface UserNeeds {
  readonly db: Db;
  readonly caches: Pick<DomainCaches, "users">;
  readonly directReads: DirectReads;
  readonly writer: Writer;
}

export function registerUsers(app: FastifyInstance, { db, caches, directReads, writer }: UserNeeds): void {
  const load = (address: string) => async () => {
    const [row] = await db.rows(userStatements.getByAddress, [address]);
    return row && versioned(userOf(row));
  };

  directReads.route(app, {
    url: "/v1/users/:address",
    scope: "read",
    tag: "users",
    summary: "Read a user's profile",
    params,
    canonical: { address: canonicalAddress },
    row: user,
    find: ({ address }) => caches.users.get(cacheKeys.user(address).key, load(address)),
    notFound: ({ address }) => notFound(address),
  });

  writer.route({
    method: "PUT",
    url: "/v1/users/:address",
    kind: "users.save",
    tag: "users",
    summary: "Create a user, or replace name and profile",
    params,
    body,
    row: user,
    payloadOf: ({ params: { address }, body: { display_name, profile } }) => ({ address, display_name, profile }),
  });
}

function notFound(address: string): HttpProblem {
  return new HttpProblem({ status: 404, code: "user_not_found", detail: `There is no user ${address}` });
}
