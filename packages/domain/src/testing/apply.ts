import type { Db } from "@millrace/db";
import { contractOf, type WriteInput, type WriteKind } from "../writes/catalogue.ts";
import type { WriteResult } from "../writes/contract.ts";

/** Applies one write as a batch of its own. */
export async function apply<Kind extends WriteKind>(
  db: Db,
  kind: Kind,
  payload: WriteInput<Kind>,
  expected?: string,
): Promise<WriteResult> {
  const contract = contractOf(kind);
  if (contract === undefined) throw new Error(`There is no write ${kind}`);
  const write = { ...(contract.payload.parse(payload) as object), n: 7, expected };
  const [result, ...others] = await db.rows(contract.apply, [JSON.stringify([write])]);
  if (result?.n !== 7 || others.length > 0) throw new Error("One write has one result");
  return result;
}

/** A time so many seconds from now. */
export function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1_000).toISOString();
}
