import { readdir } from "node:fs/promises";
import { BackupError } from "./backup-error.ts";

const segmentForm = /^[0-9A-F]{24}$/;
/** Segments of 16 MiB, 256 to each 4 GiB of log. */
const segmentBytes = 16n * 1_024n ** 2n;
const segmentsOfFile = 0x1_0000_0000n / segmentBytes;

/** The complete segments in these folders, in order. */
export async function segmentsIn(folders: readonly string[]): Promise<string[]> {
  const names = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [] as string[])));
  return [...new Set(names.flat().filter((name) => segmentForm.test(name)))].sort();
}

/** The segment that has the byte at a position, such as `0/3000028`, on a timeline. */
export function segmentAt(lsn: string, timeline: number): string {
  const [high = "0", low = "0"] = lsn.split("/");
  return nameOf(timeline, ((BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)) / segmentBytes);
}

/**
 * Throws a `BackupError` that names the first segment that is missing from `first` to `last`, or to the last one that
 * there is: a server that recovers would end there as if that were all.
 */
export function requireUnbroken(segments: readonly string[], first: string, last = segments.at(-1)): void {
  const have = new Set(segments);
  if (last === undefined || last < first) throw new BackupError(`The log's segment ${first} is missing`);
  const timeline = Number.parseInt(first.slice(0, 8), 16);
  for (let number = numberOf(first); number <= numberOf(last); number += 1n) {
    const name = nameOf(timeline, number);
    if (!have.has(name)) throw new BackupError(`The log's segment ${name} is missing`);
  }
}

function numberOf(name: string): bigint {
  return BigInt(`0x${name.slice(8, 16)}`) * segmentsOfFile + BigInt(`0x${name.slice(16)}`);
}

function nameOf(timeline: number, number: bigint): string {
  const parts = [BigInt(timeline), number / segmentsOfFile, number % segmentsOfFile];
  return parts.map((part) => part.toString(16).toUpperCase().padStart(8, "0")).join("");
}
