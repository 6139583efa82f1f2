import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { Readable } from "node:stream";
import type { DemoEvent } from "../demo-event.ts";
import { delimiterOf, readCsv } from "./csv-records.ts";
import { linesOf } from "./lines.ts";
import type { LogRecord } from "./log-record.ts";
import { readLine } from "./text-line.ts";
import { textOf } from "./text-of.ts";
import { type Micros, rfc3339Of } from "./timestamps.ts";

const dayMicros = 24 * 60 * 60 * 1e6;
const maxMessageLength = 32_768;

/**
 * The events of a log file, one for each line, read as they are asked for. Reading the same file again
 * gives the same events with the same ids and times.
 */
export async function* fileEvents(
  path: string,
  { source = sourceOf(path) }: { source?: string } = {},
): AsyncGenerator<DemoEvent> {
  const { mtimeMs } = await stat(path);
  const changed = Math.min(Math.floor(mtimeMs), Date.now()) * 1_000;
  // A line cannot be younger than its file; a day more, because a time without a zone may be ahead of UTC.
  const latest = changed + dayMicros;
  let micros = changed;
  for await (const record of joinContinuations(await recordsOf(path, latest))) {
    // A microsecond for each line without a time of its own keeps them in order.
    micros = record.micros ?? micros + 1;
    yield {
      id: idOf(path, record),
      source,
      type: "log.record",
      time: rfc3339Of(micros),
      data: { ...record.data, "log.file.name": basename(path), "log.file.line": record.line },
    };
  }
}

export function sourceOf(path: string): string {
  return `/files/${encodeURIComponent(basename(path))}`;
}

/** The same for the same line of the same file, so that reading a file twice stores it once. */
export function idOf(path: string, { line, text }: { line: number; text: string }): string {
  return createHash("sha256")
    .update(`${resolve(path)}\n${line}\n${text}`)
    .digest("base64url")
    .slice(0, 22);
}

async function recordsOf(path: string, latest: Micros): Promise<AsyncGenerator<LogRecord>> {
  const delimiter = /\.[ct]sv(\.gz|\.zst)?$/i.test(path) ? delimiterOf(await firstLineOf(path)) : undefined;
  const pieces = textOf(path);
  return delimiter === undefined ? readText(pieces, latest) : readCsv(Readable.from(pieces), { delimiter, latest });
}

async function firstLineOf(path: string): Promise<string> {
  for await (const { text } of linesOf(textOf(path))) return text;
  return "";
}

/** The lines of a log that are not blank. */
async function* readText(pieces: AsyncIterable<string>, latest: Micros): AsyncGenerator<LogRecord> {
  for await (const { number, text, isCut } of linesOf(pieces, maxMessageLength)) {
    if (text.trim() === "") continue;
    const { micros, data } = readLine(text, latest);
    yield {
      line: number,
      text,
      data: isCut ? { ...data, "log.record.truncated": true } : data,
      isContinuation: micros === undefined && /^(?:\s|Caused by: )/.test(text),
      ...(micros === undefined ? {} : { micros }),
    };
  }
}

/** Puts the lines of a stack trace into the message of the timestamped line before them. */
export async function* joinContinuations(records: AsyncIterable<LogRecord>): AsyncGenerator<LogRecord> {
  let open: LogRecord | undefined;
  for await (const record of records) {
    if (open?.micros !== undefined && record.isContinuation && fits(open, record)) {
      const text = `${open.text}\n${record.text}`;
      open = { ...open, text, data: { ...open.data, message: text } };
      continue;
    }
    if (open !== undefined) yield open;
    open = record;
  }
  if (open !== undefined) yield open;
}

function fits(open: LogRecord, more: LogRecord): boolean {
  return open.text.length + more.text.length < maxMessageLength;
}
