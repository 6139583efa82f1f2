import { parse } from "csv-parse";
import { z } from "zod";
import { dataOfFields, roleOf } from "./fields.ts";
import type { LogRecord } from "./log-record.ts";
import { findTime, type Micros, timeOfDate, timeOfValue } from "./timestamps.ts";

/** The character between the columns if this first line can be the header of a table: names, and no time. */
export function delimiterOf(header: string): string | undefined {
  if (findTime(header, 0) !== undefined) return undefined;
  return [",", ";", "\t"].find((delimiter) => header.split(delimiter).length > 1);
}

const parsedRecord = z.object({ record: z.array(z.string()), raw: z.string(), info: z.object({ lines: z.number() }) });

/** The rows of a CSV file with a header. Rows that are not well-formed are taken as far as they can be read. */
export async function* readCsv(
  chunks: NodeJS.ReadableStream,
  { delimiter, latest }: { delimiter: string; latest: Micros },
): AsyncGenerator<LogRecord> {
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    raw: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: 1_024 ** 2,
  });
  chunks.once("error", (error) => parser.destroy(error));
  let header: readonly string[] | undefined;
  let timeColumns: readonly number[] | undefined;
  for await (const row of chunks.pipe(parser)) {
    const { record, raw, info } = parsedRecord.parse(row);
    if (header === undefined) {
      header = record.map((name) => name.trim());
      continue;
    }
    const text = raw.trim();
    timeColumns ??= timeColumnsOf(header, record, latest);
    const micros = timeColumns === undefined ? undefined : timeIn(record, timeColumns, latest);
    yield {
      line: info.lines,
      text,
      data: dataOfFields(otherColumns(header, record, micros === undefined ? [] : (timeColumns ?? [])), text),
      isContinuation: false,
      ...(micros === undefined ? {} : { micros }),
    };
  }
}

function* otherColumns(
  header: readonly string[],
  record: readonly string[],
  timeColumns: readonly number[],
): Generator<readonly [string, string]> {
  for (const [index, value] of record.entries()) {
    if (!timeColumns.includes(index)) yield [header[index] || `column_${index + 1}`, value];
  }
}

/**
 * Which columns give a row its time, found by their names and a row's values: one that has all of it,
 * best with a zone; or a date and a time of day apart; or a column whose name says nothing of time.
 * `undefined` if this row shows none.
 */
export function timeColumnsOf(
  header: readonly string[],
  record: readonly string[],
  latest: Micros,
): readonly number[] | undefined {
  const named = (...names: string[]) =>
    names.map((name) => header.findIndex((column) => column.toLowerCase() === name)).filter((index) => index !== -1);
  const columns = [...header.keys()];
  const ofTime = columns.filter((index) => roleOf(header[index] ?? "") === "time");
  const absolute = ofTime.filter((index) => timeOfValue(record[index], latest)?.isAbsolute === true);
  // A bare number is a time only where the column's name says so.
  const unnamed = columns.filter((index) => !ofTime.includes(index) && /\D/.test(record[index] ?? ""));
  const candidates = [
    ...[...absolute, ...ofTime].map((index) => [index]),
    named("date", "time"),
    named("date", "day", "time", "year"),
    named("month", "day", "time", "year"),
    ...unnamed.map((index) => [index]),
  ];
  const whole = candidates.find((candidate) => timeOfValue(textIn(record, candidate), latest) !== undefined);
  const dateOnly = ofTime.find((index) => timeOfDate(record[index] ?? "") !== undefined);
  return whole ?? (dateOnly === undefined ? undefined : [dateOnly]);
}

function timeIn(record: readonly string[], columns: readonly number[], latest: Micros): Micros | undefined {
  const text = textIn(record, columns);
  return timeOfValue(text, latest)?.micros ?? timeOfDate(text);
}

function textIn(record: readonly string[], columns: readonly number[]): string {
  return columns.map((index) => record[index] ?? "").join(" ");
}
