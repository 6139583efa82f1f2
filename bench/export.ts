import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connectPostgres, createMonthlyPartition, type Db, statement } from "@millrace/db";
import { z } from "zod";

export interface ExportOptions {
  /** Prints the figures as JSON instead of a sentence. */
  readonly json: boolean;
  readonly rows?: number;
  /** A migrated database that the bench may fill. */
  readonly databaseUrl: string;
}

const source = "/bench/export";
const maxAddedMb = 50;

const fill = statement<[rows: number, source: string], never>(
  "bench.fill_export",
  `INSERT INTO telemetry_events (id, source, type, subject, time, data, received_at)
   SELECT gen_random_uuid()::text, $2, 'com.example.metric.' || n % 30, 'user-' || n % 5000,
          '2020-01-01T00:00:00Z'::timestamptz + n * interval '1 millisecond',
          jsonb_build_object('value', random() * 1000, 'unit', 'ms', 'host', 'host-' || n % 50, 'attempt', n % 5,
                             'message', 'request finished with status ' || 200 + n % 5),
          now()
     FROM generate_series(1, $1::int) n`,
);

/**
 * Exports many rows over HTTP and looks at the memory of the process that serves them: what it has
 * after a first export, and the most it has during a second one. Throws if it adds 50 MB or more.
 */
export async function runExport({ json, rows = 1_000_000, databaseUrl }: ExportOptions): Promise<void> {
  await using db = await connectPostgres({
    url: databaseUrl,
    applicationName: "millrace-bench",
    minConnections: 0,
    queryTimeoutMs: 600_000,
    statementTimeoutMs: 600_000,
  });
  await fillTable(db, rows);
  await using server = await startServer(databaseUrl);
  const exportUrl = `${server.url}/v1/events/export?source=${source}`;
  await download(`${exportUrl}&to=2020-01-01T00:01:00Z`);

  const before = await server.memory("reset");
  const startedAt = performance.now();
  const whole = await download(exportUrl);
  const seconds = (performance.now() - startedAt) / 1_000;
  const peak = await server.memory("peak");

  const figures = {
    ...whole,
    seconds: rounded(seconds),
    rows_per_second: Math.round(whole.rows / seconds),
    rss_before_mb: megabytes(before),
    rss_peak_mb: megabytes(peak),
    added_mb: megabytes(peak - before),
  };
  process.stdout.write(`${json ? JSON.stringify(figures) : sentenceOf(figures)}\n`);
  if (whole.rows !== rows) throw new Error(`The export has ${whole.rows} rows of ${rows}`);
  if (figures.added_mb >= maxAddedMb)
    throw new Error(`The export added ${figures.added_mb} MB; ${maxAddedMb} are the limit`);
}

async function fillTable(db: Db, rows: number): Promise<void> {
  await createMonthlyPartition(db, "telemetry_events", "2020-01");
  await db.run(statement<[string], never>("bench.empty_export", "DELETE FROM telemetry_events WHERE source = $1"), [
    source,
  ]);
  await db.run(fill, [rows, source]);
  await db.run(statement("bench.analyze_export", "VACUUM ANALYZE telemetry_events_y2020m01"), []);
}

/** Reads a reply and counts its lines. A connection that breaks off is an error. */
async function download(url: string): Promise<{ rows: number; bytes: number }> {
  const reply = await fetch(url);
  if (!reply.ok || reply.body === null) throw new Error(`${url} answered ${reply.status}: ${await reply.text()}`);
  let rows = 0;
  let bytes = 0;
  for await (const chunk of reply.body) {
    bytes += chunk.length;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) rows += 1;
  }
  return { rows, bytes };
}

async function startServer(databaseUrl: string) {
  const child = fork(new URL("export-server.ts", import.meta.url), [databaseUrl]);
  const { url } = z.object({ url: z.string() }).parse(await messageOf(child));
  return {
    url,
    async memory(question: "reset" | "peak"): Promise<number> {
      child.send(question);
      return z.object({ rss: z.number() }).parse(await messageOf(child)).rss;
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill();
      await ended;
    },
  };
}

/** The child's next message; rejects if it ends instead. */
async function messageOf(child: ChildProcess): Promise<unknown> {
  const done = new AbortController();
  const ended = once(child, "exit", { signal: done.signal }).then(() => {
    throw new Error("The export's server ended before it answered");
  });
  try {
    const message = once(child, "message", { signal: done.signal }).then(([first]: unknown[]) => first);
    return await Promise.race([message, ended]);
  } finally {
    done.abort();
    await ended.catch(() => {});
  }
}

function sentenceOf(figures: {
  rows: number;
  bytes: number;
  seconds: number;
  rss_before_mb: number;
  added_mb: number;
}): string {
  const { rows, bytes, seconds, rss_before_mb: before, added_mb: added } = figures;
  return `exported ${rows} rows (${megabytes(bytes)} MB) in ${seconds} s; the server had ${before} MB before and at most ${added} MB more`;
}

function megabytes(bytes: number): number {
  return rounded(bytes / 1_024 ** 2);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
