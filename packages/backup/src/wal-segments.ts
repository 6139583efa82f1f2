import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const segmentForm = /^[0-9A-F]{24}$/;
const partialForm = /^([0-9A-F]{24})\.partial$/;
const historyForm = /^([0-9A-F]{8})\.history$/;

/** How the log of a server is cut into files; `bytes` is initdb's --wal-segsize, 16 MiB unless told otherwise. */
export interface SegmentNames {
  /** The segment that has the byte at a position, such as `0/3000028`, on a timeline. */
  at(lsn: string, timeline: number): string;
  /** Which of the log it is, whatever its timeline. */
  numberOf(name: string): bigint;
  named(number: bigint, timeline: number): string;
  /** The position of a segment's first byte. */
  startOf(number: bigint): string;
}

const hex = (value: bigint): string => value.toString(16).toUpperCase();

export function segmentNames(bytes: number): SegmentNames {
  const size = BigInt(bytes);
  const perFile = 0x1_0000_0000n / size;
  const named = (number: bigint, timeline: number): string =>
    [BigInt(timeline), number / perFile, number % perFile].map((part) => hex(part).padStart(8, "0")).join("");
  return {
    at: (lsn, timeline) => named(positionOf(lsn) / size, timeline),
    numberOf: (name) => BigInt(`0x${name.slice(8, 16)}`) * perFile + BigInt(`0x${name.slice(16, 24)}`),
    named,
    startOf: (number) => `${hex((number * size) >> 32n)}/${hex((number * size) & 0xffff_ffffn)}`,
  };
}

/** The byte of the log that `0/3000028` stands for. */
export function positionOf(lsn: string): bigint {
  const [high = "0", low = "0"] = lsn.split("/");
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/** What there is of the log in some folders: of the same segment the first folder's is taken. */
export interface WalFiles {
  /** Path by name. */
  readonly segments: ReadonlyMap<string, string>;
  /** Path by the name of the segment that is still being received. */
  readonly partials: ReadonlyMap<string, string>;
  readonly histories: readonly { readonly timeline: number; readonly path: string }[];
}

export async function walFilesIn(folders: readonly string[]): Promise<WalFiles> {
  const segments = new Map<string, string>();
  const partials = new Map<string, string>();
  const histories: { timeline: number; path: string }[] = [];
  for (const folder of folders) {
    for (const name of await readdir(folder).catch(() => [] as string[])) {
      const path = join(folder, name);
      const [, partial] = partialForm.exec(name) ?? [];
      const [, history] = historyForm.exec(name) ?? [];
      if (segmentForm.test(name) && !segments.has(name)) segments.set(name, path);
      if (partial !== undefined) partials.set(partial, path);
      if (history !== undefined) histories.push({ timeline: Number.parseInt(history, 16), path });
    }
  }
  return { segments, partials, histories };
}

/** A stretch of the log's history: from this position on its segments are named after this timeline. */
export interface Stretch {
  readonly timeline: number;
  readonly from: bigint;
}

/**
 * The newest way from a timeline on, as a server that recovers takes it: after a fail-over the log goes on under a new
 * timeline. Each history file tells of its ancestors and where they were left.
 */
export async function wayFrom(timeline: number, lsn: string, { histories }: WalFiles): Promise<Stretch[]> {
  const start = { timeline, from: 0n };
  for (const history of histories.toSorted((one, other) => other.timeline - one.timeline)) {
    if (history.timeline <= timeline) break;
    const lines = (await readFile(history.path, "utf8")).matchAll(/^(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/gim);
    const ancestors = Array.from(lines, ([, id, left]) => ({ timeline: Number(id), left: positionOf(left ?? "0/0") }));
    const ours = ancestors.findIndex((ancestor) => ancestor.timeline === timeline);
    const leaving = ancestors[ours];
    if (leaving === undefined || leaving.left < positionOf(lsn)) continue; // it branched off before
    const after = ancestors.slice(ours + 1).map((ancestor) => ancestor.timeline);
    const lefts = ancestors.slice(ours).map(({ left }) => left);
    return [start, ...[...after, history.timeline].map((id, at) => ({ timeline: id, from: lefts[at] ?? 0n }))];
  }
  return [start];
}

export interface Run {
  /** Names without a gap between them. */
  readonly segments: readonly string[];
  /** The first that is missing though later ones are there. */
  readonly gap: string | undefined;
}

/** The segments on that way from a position on, as far as there are any. */
export function unbrokenRun(
  names: SegmentNames,
  have: ReadonlySet<string>,
  way: readonly Stretch[],
  startLsn: string,
): Run {
  const nameAt = (number: bigint): string => {
    const stretch = way.findLast(({ from }) => names.numberOf(names.at(lsnOf(from), 1)) <= number);
    return names.named(number, (stretch ?? way[0])?.timeline ?? 1);
  };
  const segments: string[] = [];
  const first = names.numberOf(names.at(startLsn, 1));
  let number = first;
  for (; have.has(nameAt(number)); number += 1n) segments.push(nameAt(number));
  const timelines = new Set(way.map(({ timeline }) => timeline));
  const isLater = (name: string): boolean =>
    timelines.has(Number.parseInt(name.slice(0, 8), 16)) && names.numberOf(name) > number;
  return { segments, gap: [...have].some(isLater) ? nameAt(number) : undefined };
}

function lsnOf(position: bigint): string {
  return `${hex(position >> 32n)}/${hex(position & 0xffff_ffffn)}`;
}
