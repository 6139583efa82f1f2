import { traceContext } from "@millrace/runtime";
import { z } from "zod";
import { contractOf, type WriteInput, type WriteKind } from "./catalogue.ts";

/** A write that was accepted and has yet to be applied, as it waits in the queue. */
const waitingWrite = z.object({
  /** Applied at most once, however often it is queued. */
  id: z.uuid(),
  kind: z.string(),
  payload: z.unknown(),
  /** The version that the client had read, as text. */
  expected: z.string().regex(/^\d+$/).optional(),
  acceptedAt: z.number(),
  /** Where somebody waits for it. */
  replyTo: z.string().optional(),
  /** The id of the key that made it. */
  keyId: z.string().optional(),
  /** The id of the request that brought it. */
  request: z.string().optional(),
  /** Where that is in its trace, if it is recorded. */
  trace: traceContext.optional(),
});

export type WaitingWrite = z.output<typeof waitingWrite>;

export interface NewWrite<Kind extends WriteKind = WriteKind> extends Omit<WaitingWrite, "kind" | "payload"> {
  readonly kind: Kind;
  readonly payload: WriteInput<Kind>;
}

/** The write as text, and the entity in whose order it is applied. Throws when the payload is not what its kind says. */
export function textOfWrite<Kind extends WriteKind>(write: NewWrite<Kind>): { entity: string; text: string } {
  const contract = contractOf(write.kind);
  if (contract === undefined) throw new Error(`There is no write ${write.kind}`);
  const payload = contract.payload.parse(write.payload);
  return { entity: contract.entityOf(payload), text: JSON.stringify({ ...write, payload }) };
}

/** The write in a text, with its payload checked. Throws an Error that says what is wrong with it. */
export function writeIn(text: string): WaitingWrite & { readonly payload: Readonly<Record<string, unknown>> } {
  const write = waitingWrite.parse(JSON.parse(text));
  const contract = contractOf(write.kind);
  if (contract === undefined) throw new Error(`There is no write ${write.kind}; is this worker older than the API?`);
  // Every payload is an object.
  return { ...write, payload: contract.payload.parse(write.payload) as Readonly<Record<string, unknown>> };
}
