import { hash, randomBytes } from "node:crypto";
import type { Cache } from "@millrace/cache";
import type { Db } from "@millrace/db";
import { cacheKeys, nonceStatements, userStatements } from "@millrace/domain";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { walletAddress } from "../addresses/wallet-address.ts";
import { commonProblems } from "../events/read/reply-schemas.ts";
import { jsonBodyOf, unchecked } from "../http/json-body.ts";
import { HttpProblem } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";
import { type SignedMessage, verifiedMessage } from "./verify-message.ts";

export interface SignInOptions {
  /** The domains that a message may be for, with their ports where these are not the usual ones. */
  readonly domains: readonly string[];
  readonly nonceTtlMs: number;
  /** How many nonces an address may ask for in a minute. */
  readonly noncesPerMinute: number;
}

export interface SignInNeeds {
  readonly db: Db;
  readonly cache: Pick<Cache, "invalidate">;
  readonly options: SignInOptions;
}

const minuteMs = 60_000;
const bodyLimit = 16 * 1_024;

const issueBody = z.strictObject({ address: walletAddress });
const consumeBody = z.strictObject({ address: walletAddress, nonce: z.string().min(1).max(200) });
const signInBody = z.strictObject({
  message: z.string().min(1).max(4_000).describe("As EIP-4361 has it, with a nonce that was issued for its address"),
  signature: z.string().regex(/^0x[0-9a-fA-F]{130}$/, "must be 0x and 130 hexadecimal digits, of personal_sign"),
});

/** Nonces are issued and used up at once, not through the queue: whoever signs in waits for the answer. */
export function registerSignIn(app: FastifyInstance, { db, cache, options }: SignInNeeds): void {
  const { domains, nonceTtlMs, noncesPerMinute } = options;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ["sign-in"];
  const config = { scope: "write" } as const;

  /** Of any number of callers with the same nonce, exactly one passes. */
  async function consume(address: string, nonce: string): Promise<void> {
    const [used] = await db.rows(nonceStatements.consume, [hashOf(nonce), address]);
    if (used !== undefined) return;
    throw new HttpProblem({
      status: 409,
      code: "nonce_not_valid",
      detail: "The nonce was not issued for this address, was used before or has expired; ask for a new one",
    });
  }

  routes.post(
    "/v1/nonces",
    {
      config,
      bodyLimit,
      ...unchecked,
      schema: {
        tags,
        summary: "Issue a nonce for signing in",
        body: issueBody,
        response: {
          201: z.object({ nonce: z.string(), expires_at: z.string() }),
          ...commonProblems,
          429: problemReply("The address asks for too many"),
        },
      },
    },
    async (request, reply) => {
      const { address } = jsonBodyOf(request.body, issueBody);
      const since = new Date(Date.now() - minuteMs);
      const [count] = await db.rows(nonceStatements.countIssuedSince, [address, since]);
      if (Number(count?.issued ?? 0) >= noncesPerMinute) {
        throw new HttpProblem({
          status: 429,
          code: "too_many_nonces",
          detail: `An address may have ${noncesPerMinute} nonces in a minute; use one of those, or wait`,
          headers: { "retry-after": "60" },
        });
      }
      // 128 bits; EIP-4361 asks for at least 8 letters and digits.
      const nonce = randomBytes(16).toString("hex");
      const expiresAt = new Date(Date.now() + nonceTtlMs);
      await db.rows(nonceStatements.issue, [hashOf(nonce), address, expiresAt]);
      return reply.code(201).send({ nonce, expires_at: expiresAt.toISOString() });
    },
  );

  routes.post(
    "/v1/nonces/consume",
    {
      config,
      bodyLimit,
      ...unchecked,
      schema: {
        tags,
        summary: "Use a nonce up",
        body: consumeBody,
        response: {
          200: z.object({ address: z.string() }),
          ...commonProblems,
          409: problemReply("It is not known, was used before or has expired"),
        },
      },
    },
    async (request) => {
      const { address, nonce } = jsonBodyOf(request.body, consumeBody);
      await consume(address, nonce);
      return { address };
    },
  );

  routes.post(
    "/v1/sign-in",
    {
      config,
      bodyLimit,
      ...unchecked,
      schema: {
        tags,
        summary: "Verify a signed message (EIP-4361) and use its nonce up",
        description:
          "For accounts with a key of their own; contracts (EIP-1271) need a node to ask and are not supported.",
        body: signInBody,
        response: {
          200: z.object({ address: z.string(), chain_id: z.int(), uri: z.string() }),
          ...commonProblems,
          409: problemReply("The nonce is not known, was used before or has expired"),
          422: problemReply(
            "The message is none, is for another domain or time, or the signature is not its address's",
          ),
        },
      },
    },
    async (request) => {
      const signed: SignedMessage = jsonBodyOf(request.body, signInBody);
      const { address, nonce, chainId, uri } = await verifiedMessage(signed, { domains, now: new Date() });
      await consume(address, nonce);
      if ((await db.run(userStatements.see, [address])) > 0) await cache.invalidate([cacheKeys.user(address)]);
      return { address, chain_id: chainId, uri };
    },
  );
}

/** Whoever reads the table cannot sign in with what is there. */
function hashOf(nonce: string): Buffer {
  return hash("sha256", nonce, "buffer");
}
