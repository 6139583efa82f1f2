import type { z } from "zod";
import { balanceWrites } from "../balances/balance-writes.ts";
import { blockWrites } from "../blocks/block-writes.ts";
import { reportWrites } from "../reports/report-writes.ts";
import { sessionWrites } from "../sessions/session-writes.ts";
import { userWrites } from "../users/user-writes.ts";
import type { WriteContract } from "./contract.ts";

/** Every kind of write to the domain, declared once. */
export const writes = { ...userWrites, ...sessionWrites, ...reportWrites, ...blockWrites, ...balanceWrites } as const;

export type WriteKind = keyof typeof writes;
export type WriteInput<Kind extends WriteKind> = z.input<(typeof writes)[Kind]["payload"]>;

/** The contract of a kind, for code that deals with all of them alike; `undefined` for one that this version does not know. */
export function contractOf(kind: string): WriteContract | undefined {
  return Object.hasOwn(writes, kind) ? (writes[kind as WriteKind] as unknown as WriteContract) : undefined; // a key of it
}
