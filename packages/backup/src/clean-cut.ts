/** A transaction that committed, and where the log says so. */
export interface Commit {
  /** The lower half of the transaction's number. */
  readonly xid: number;
  readonly lsn: string;
  readonly at: Date;
}

/**
 * A line of pg_waldump about a commit; `undefined` for any other. Those of transactions that were prepared name them
 * in the description.
 */
export function commitOf(line: string): Commit | undefined {
  const said =
    /^rmgr: Transaction .*? tx: +(\d+), lsn: ([0-9A-F]+\/[0-9A-F]+), .*? desc: COMMIT(?:_PREPARED (\d+):)? (\d[-\d]+ [\d:.]+) UTC/.exec(
      line,
    );
  const [, own = "", lsn, prepared, at = ""] = said ?? [];
  if (lsn === undefined) return undefined;
  return { xid: Number(prepared ?? own), lsn, at: new Date(`${at.replace(" ", "T")}Z`) };
}

/** Whether a snapshot, as pg_current_snapshot() writes it (`xmin:xmax:xip,…`), sees what a transaction committed. */
export function sightOf(snapshot: string): (xid: number) => boolean {
  const [, end = "0", running = ""] = snapshot.split(":");
  const xmax = BigInt(end);
  const inProgress = new Set(running.split(",").filter((xid) => xid !== ""));
  return (xid) => {
    // Numbers of 32 bits go round; those of a snapshot do not. No two live ones are further apart than half of it.
    const distance = BigInt.asIntN(32, BigInt(xid) - xmax);
    return distance < 0n && !inProgress.has(String(xmax + distance));
  };
}

/**
 * Finds where the log is to be cut so that just what a snapshot sees is before, from the log's commits in their order:
 * before the first one it does not see. `"after"` when it sees all of them; `undefined` when there is no such place.
 * PostgreSQL makes a commit visible only after its record is flushed, so that two may become so in the other order.
 */
export function startCut(sees: (xid: number) => boolean) {
  let first: string | undefined;
  let isTorn = false;
  return {
    add({ xid, lsn }: Commit): void {
      if (!sees(xid)) first ??= lsn;
      else if (first !== undefined) isTorn = true;
    },
    place: (): string | "after" | undefined => (isTorn ? undefined : (first ?? "after")),
  };
}
