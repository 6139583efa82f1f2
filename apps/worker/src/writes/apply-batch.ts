import { type Db, isDataError } from "@millrace/db";
import { type CachedKey, contractOf, type WaitingWrite, type WriteRow, writeStatements } from "@millrace/domain";

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

type NewlyApplied = Applied & Pick<WriteRow, "key_id" | "accepted_at">;

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
    const added: NewlyApplied[] = [];
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

async function applyRound(tx: Db, round: readonly ReadyWrite[]): Promise<NewlyApplied[]> {
  const kinds = Map.groupBy(round, ({ kind }) => kind);
  const results: NewlyApplied[] = [];
  for (const [kind, writes] of kinds) results.push(...(await applyKind(tx, kind, writes)));
  return results;
}

async function applyKind(tx: Db, kind: string, writes: readonly ReadyWrite[]): Promise<NewlyApplied[]> {
  const contract = contractOf(kind);
  if (contract === undefined) throw new Error(`There is no write ${kind}`);
  const rows = writes.map(({ payload, expected }, n) => ({ ...payload, n, expected }));
  try {
    const results = await tx.transaction((inner) => inner.rows(contract.apply, [JSON.stringify(rows)]));
    return results.flatMap((result) => {
      const { outcome, row, related } = result;
      const write = writes[result.n];
      const touched = row === null ? [] : contract.keysOf(row, related);
      return write === undefined ? [] : [resultOf(write, { outcome, detail: null, row, touched })];
    });
  } catch (error) {
    if (!isDataError(error)) throw error;
    const [only, ...others] = writes;
    if (only === undefined) return [];
    if (others.length === 0) {
      const detail = error instanceof Error ? error.message : String(error);
      return [resultOf(only, { outcome: "refused", detail, row: null, touched: [] })];
    }
    // One of them is to blame: each by itself, so that the others are not refused with it.
    const each: NewlyApplied[] = [];
    for (const write of writes) each.push(...(await applyKind(tx, kind, [write])));
    return each;
  }
}

function resultOf(write: ReadyWrite, result: Pick<Applied, "outcome" | "detail" | "row" | "touched">): NewlyApplied {
  const { id, kind, keyId, acceptedAt } = write;
  return { id, kind, ...result, is_settled: false, key_id: keyId ?? null, accepted_at: new Date(acceptedAt) };
}
