import { hash } from "node:crypto";
import type { Notes } from "@millrace/jobs";
import { z } from "zod";
import { HttpProblem, unavailable } from "../http/problem.ts";
import { uuidV7Of } from "./uuid-v7.ts";

/** What is remembered of the first request with a key, from before its events went into the queue. */
const record = z.object({
  fingerprint: z.string(),
  /** When the first one came: what its events lack is made of this, so that a second one makes the same. */
  receivedAt: z.number(),
  answer: z.string().optional(),
});

export interface Attempt {
  readonly receivedAt: number;
  /** The answer of the first request, if it got as far. */
  readonly answer: string | undefined;
  /** Gives the ids of events that have none: the same for every attempt. */
  readonly newId: () => string;
  /** Remembers the answer for further attempts. One that is not remembered would come out the same. */
  finish(answer: string): Promise<void>;
}

export interface IdempotencyRequest {
  /** The value of the header. */
  readonly key: string;
  /** Whose key it is: different senders may use the same. */
  readonly owner: string;
  /** Everything that the events are made of. */
  readonly content: readonly (string | Buffer)[];
}

export type Idempotency = (request: IdempotencyRequest) => Promise<Attempt>;

const keptSeconds = 24 * 3_600;
const validKey = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/**
 * The header Idempotency-Key (IETF, draft-ietf-httpapi-idempotency-key-header): requests with the same
 * key within a day have the effect of one, and the same answer. That holds also when a process dies
 * in between: the time of the first request is written down before its events enter the queue, and
 * ids and times that the events lack come from that and from the key. Throws 422 when the key was
 * used for another body, 400 when it is none.
 */
export function createIdempotency(notes: Notes, now: () => number = Date.now): Idempotency {
  return async ({ key, owner, content }) => {
    if (!validKey.test(key)) {
      throw new HttpProblem({
        status: 400,
        code: "invalid_idempotency_key",
        detail: "Idempotency-Key must be 1 to 255 printable ASCII characters, such as a UUID",
      });
    }
    const name = `idempotency:${owner}:${hash("sha256", key)}`;
    const first = { fingerprint: fingerprintOf(content), receivedAt: now() };
    const existing = await notes.keepOnce(name, JSON.stringify(first), keptSeconds).catch((error: unknown) => {
      throw unavailable("queue_unavailable", "The queue is not available; send the events again", error);
    });
    const known = existing === undefined ? { ...first, answer: undefined } : record.parse(JSON.parse(existing));
    if (known.fingerprint !== first.fingerprint) {
      throw new HttpProblem({
        status: 422,
        code: "idempotency_key_reused",
        detail: "This Idempotency-Key was used for another body within a day; use a new one for each request",
      });
    }
    let count = 0;
    return {
      receivedAt: known.receivedAt,
      answer: known.answer,
      newId: () => {
        count += 1;
        return uuidV7Of(known.receivedAt, hash("sha256", `${name}:${known.receivedAt}:${count}`).slice(0, 20));
      },
      async finish(answer) {
        await notes.replace(name, JSON.stringify({ ...known, answer })).catch(() => {});
      },
    };
  };
}

function fingerprintOf(content: readonly (string | Buffer)[]): string {
  const parts = content.map((part) => hash("sha256", part));
  return hash("sha256", parts.join(""));
}
