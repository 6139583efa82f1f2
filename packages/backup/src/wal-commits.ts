import { type Commit, commitOf } from "./clean-cut.ts";
import type { Tools } from "./tools.ts";

export interface WalRange {
  /** The folder of the segments. */
  readonly path: string;
  readonly timeline: number;
  readonly start: string;
  /** Without it up to where the log ends, which pg_waldump takes for a failure. */
  readonly end?: string;
}

/** Tells of each commit that a range of the log has, in its order. Rejects when the log cannot be read to its end. */
export async function readCommits(
  tools: Tools,
  { path, timeline, start, end }: WalRange,
  onCommit: (commit: Commit) => void,
  signal?: AbortSignal | undefined,
): Promise<void> {
  const to = end === undefined ? [] : ["--end", end];
  const args = ["--rmgr=Transaction", "--path", path, "--timeline", String(timeline), "--start", start, ...to];
  const onOutput = (line: string): void => {
    const commit = commitOf(line);
    if (commit !== undefined) onCommit(commit);
  };
  await tools.run("pg_waldump", args, { signal, onOutput });
}
