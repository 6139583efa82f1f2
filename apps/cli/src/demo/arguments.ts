import { integer } from "@millrace/runtime";
import { z } from "zod";
import { isHelp, readCommandLine } from "../commands/read-command-line.ts";
import { UsageError } from "../commands/usage-error.ts";
import { DemoError } from "./api-client.ts";
import { demoCommand } from "./declaration.ts";

export const usage = `npm run demo -- [options]

Sends real telemetry to a running Millrace, then asks until every accepted event is seen in the database.
Without --file: this machine's own measurements (CPU, memory, disk, file systems, network, processes, load).

  --seconds N    measure for N seconds (default 10); Ctrl-C ends it earlier, with the summary
  --every MS     milliseconds from one measurement to the next (default 500)
  --file PATH    send a log file instead, one event a line; may be repeated; gzip and zstd are unpacked
  --source NAME  the events' source (default /hosts/HOSTNAME, or /files/FILENAME)
  --url URL      where Millrace listens (default http://127.0.0.1:PORT, PORT from the environment or 8080)
  --key KEY      the key to use, with the scopes ingest and read (default MILLRACE_KEY, or millrace-dev)
  --json         print the summary as one line of JSON
  --help         this text

Log files
  Timestamps are recognised: ISO 8601, 2024/11/23 10:00:00, 20171223-22:15:29:606, 10/Oct/2000:13:55:36 -0700,
  Dec 10 06:55:46, Nov 9 12:01:01 2005, and seconds, milliseconds or microseconds since 1970. One without a zone is
  read as UTC, one without a year is put into the latest year that fits the file. Lines may be JSON objects, and a
  .csv or .tsv file with a header is read as a table. A severity, a component, a host and a process id are taken over
  where they are evident; the line itself is data.message.
  A line without a timestamp takes the time of the line before it (a microsecond later, to keep the order), the first
  ones that of the file's last change. If it begins with white space or "Caused by:" it is joined to the line before,
  as in a stack trace. Blank lines are skipped; a line is cut at 32,768 characters. The text is UTF-8, or UTF-16 with
  a byte order mark; what is neither becomes U+FFFD, NUL characters are left out, and a binary file is refused.
  A line's id comes from the file's path, its number and its text: sending a file again stores no line twice, and the
  summary counts those lines as "already there".

Events whose time is outside what the workers accept are counted as quarantined; GET /v1/quarantine shows them.

Exit code: 0 when every accepted event was seen in the database, 1 when not, 2 for arguments that are wrong, 130 when
Ctrl-C ended it.
`;

const shape = z.object({
  seconds: integer({ min: 1, max: 1_000_000 }).default(10),
  every: integer({ min: 50, max: 3_600_000 }).default(500),
  file: z.array(z.string().min(1)).default([]),
  source: z.string().min(1).max(1_024).optional(),
  url: z.url({ protocol: /^https?$/ }).optional(),
  key: z.string().min(1).optional(),
  json: z.boolean().default(false),
  help: z.boolean().default(false),
});

/** An argument or a file name that cannot be meant. */
export class ArgumentError extends DemoError {}

export type DemoArguments = z.output<typeof shape>;

/** Throws an `ArgumentError` that says which argument is wrong. */
export function parseDemoArguments(args: readonly string[]): DemoArguments {
  const result = shape.safeParse(valuesOf(args));
  if (result.success) return result.data;
  throw new ArgumentError(
    result.error.issues.map(({ path, message }) => `--${String(path[0])}: ${message}`).join("\n"),
  );
}

function valuesOf(args: readonly string[]): unknown {
  try {
    const read = readCommandLine(demoCommand, args);
    return isHelp(read) ? { help: true } : read.values;
  } catch (error) {
    if (error instanceof UsageError) throw new ArgumentError(error.text, { cause: error });
    throw error;
  }
}
