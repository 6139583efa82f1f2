import { type Db, isDataError } from "@millrace/db";
import {
  type CachedKey,
  contractOf,
  type Outcome,
  type WaitingWrite,
  type WriteResult,
  type WriteRow,
  writeStatements,
} from "@millrace/domain";

/** A write whose payload has been checked. */
export type ReadyWrite = WaitingWrite & { readonly payload: Readonly<Record<string, unknown>> };

export interface WritesOfEntity {
  readonly entity: string;
  /** In the order in which they are to be applied. */
  readonly writes: readonly ReadyWrite[];
}

/** What became of a write, now or when it was applied before. */
export type Applied = Pick<WriteRow, "id" | "outcome" | "row" | "detail" | "kind" | "is_settled"> & {
  readonly touched: readonly CachedKey[];
};

/**
 * Applies the writes in one transaction, in few statements: in rounds, of which each has at most one write of every
 * entity, and in a round one statement for each kind. Those that were applied before are left out, and told of all
 * the same.
 */
export async function applyBatch(db: Db, batch: readonly WritesOfEntity[]): Promise<Applied[]> {
  return await db.transaction(async (tx) => {
    // Whoever applies the same entity's writes waits here, and then finds them done.
    await tx.rows(writeStatements.lockEntities, [batch.map(({ entity }) => entity)]);
    const ids = [...new Set(batch.flatMap(({ writes }) => writes.map(({ id }) => id)))];
    const done = new Map<string, Applied>();
    for (const row of await tx.rows(writeStatements.findMany, [ids])) done.set(row.id, row);
    const before = done.size;
    const added: (Applied & { accepted_at: Date })[] = [];
    for (const round of roundsOf(batch, new Set(done.keys()))) {
      for (const result of await applyRound(tx, round)) {
        done.set(result.id, result);
        added.push(result);
      }
    }
    if (done.size > before) await tx.run(writeStatements.remember, [JSON.stringify(added)]);
    return [...done.values()];
  });
}

/** The first write of every entity, then the second of those that have one, and so on. */
function* roundsOf(batch: readonly WritesOfEntity[], known: Set<string>): Generator<ReadyWrite[]> {
  const queues = batch.map(({ writes }) => {
    const fresh = writes.filter(({ id }) => !known.has(id));
    return [...new Map(fresh.map((write) => [write.id, write])).values()];
  });
  const rounds = Math.max(0, ...queues.map((writes) => writes.length));
  for (let round = 0; round < rounds; round += 1) yield queues.flatMap((writes) => writes[round] ?? []);
}

async function applyRound(tx: Db, round: readonly ReadyWrite[]): Promise<(Applied & { accepted_at: Date })[]> {
  const kinds = Map.groupBy(round, ({ kind }) => kind);
  const results: (Applied & { accepted_at: Date })[] = [];
  for (const [kind, writes] of kinds) results.push(...(await applyKind(tx, kind, writes)));
  return results;
}

async function applyKind(
  tx: Db,
  kind: string,
  writes: readonly ReadyWrite[],
): Promise<(Applied & { accepted_at: Date })[]> {
  const contract = contractOf(kind);
  if (contract === undefined) throw new Error(`There is no write ${kind}`);
  const rows = writes.map(({ payload, expected }, n) => ({ ...payload, n, expected }));
  try {
    const results = await tx.transaction((inner) => inner.rows(contract.apply, [JSON.stringify(rows)]));
    return results.flatMap((result) => {
      const write = writes[result.n];
      return write === undefined ? [] : [appliedOf(write, result, contract.keysOf)];
    });
  } catch (error) {
    if (!isDataError(error)) throw error;
    const [only, ...others] = writes;
    if (only === undefined) return [];
    if (others.length === 0) return [refused(only, error)];
    // One of them is to blame: each by itself, so that the others are not refused with it.
    const each: (Applied & { accepted_at: Date })[] = [];
    for (const write of writes) each.push(...(await applyKind(tx, kind, [write])));
    return each;
  }
}

function appliedOf(
  write: ReadyWrite,
  { outcome, row, related }: WriteResult,
  keysOf: (row: NonNullable<WriteResult["row"]>, related: WriteResult["related"]) => readonly CachedKey[],
) {
  const touched = row === null ? [] : keysOf(row, related);
  return {
    id: write.id,
    kind: write.kind,
    outcome,
    detail: null,
    row,
    touched,
    is_settled: false,
    accepted_at: new Date(write.acceptedAt),
  };
}

function refused(write: ReadyWrite, error: unknown) {
  const outcome: Outcome = "refused";
  const detail = error instanceof Error ? error.message : String(error);
  return {
    id: write.id,
    kind: write.kind,
    outcome,
    detail,
    row: null,
    touched: [],
    is_settled: false,
    accepted_at: new Date(write.acceptedAt),
  };
}
