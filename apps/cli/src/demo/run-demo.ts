import { access, constants, stat } from "node:fs/promises";
import { resolve } from "node:path";
import process from "node:process";
import { ConfigError } from "@millrace/runtime";
import { loadApiConfig } from "../config.ts";
import { interruptedCode, listenForInterruption } from "../interruption.ts";
import { createApi, DemoError } from "./api-client.ts";
import { ArgumentError, type DemoArguments, parseDemoArguments, usage } from "./arguments.ts";
import { type Confirmation, createConfirmation } from "./confirmation.ts";
import type { DemoEvent } from "./demo-event.ts";
import { fileEvents } from "./files/file-events.ts";
import { liveEvents } from "./live/live-events.ts";
import { startProgress } from "./progress.ts";
import { createTally, inBatches, sendAll, type Tally } from "./sending.ts";
import { summaryOf, summaryText } from "./summary.ts";

/** How long accepted events may stay away from the database before the demo says so. */
const patienceMs = 30_000;

/** Runs `npm run demo` with these arguments; the result is the exit code. */
export async function runDemo(args: readonly string[]): Promise<number> {
  try {
    const parsed = parseDemoArguments(args);
    if (parsed.help) {
      process.stdout.write(usage);
      return 0;
    }
    const config = await loadApiConfig(process.env);
    return await sendTelemetry({ ...parsed, url: parsed.url ?? config.url, key: parsed.key ?? config.key });
  } catch (error) {
    if (!(error instanceof DemoError || error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof DemoError && !(error instanceof ArgumentError) ? 1 : 2;
  }
}

async function sendTelemetry(options: DemoArguments & { url: string; key: string }): Promise<number> {
  const files = [...new Set(options.file.map((path) => resolve(path)))];
  await Promise.all(files.map(mustBeReadable));
  const api = createApi(options);
  const confirmation = createConfirmation({ api, patienceMs, startedAt: await api.connect() });
  const tally = createTally();
  // The first Ctrl-C ends the sending; what was accepted by then is still waited for, and counted.
  using interruption = listenForInterruption();
  const { signal } = interruption;

  const batches = files.length > 0 ? fromFiles(files, options, signal) : fromThisMachine(options, signal);
  const startedAt = performance.now();
  const problem = await withProgress(
    () => progressOf(tally, confirmation, startedAt),
    async () => {
      await sendAll(batches, { api, confirmation, tally });
      await confirmation.finish();
    },
  );
  const summary = summaryOf(tally, {
    committed: confirmation.committed,
    alreadyThere: confirmation.alreadyThere,
    quarantined: confirmation.quarantined,
    retries: api.retries,
    elapsedMs: performance.now() - startedAt,
  });
  // What was refused before anything was sent needs no summary.
  if (problem === undefined || tally.sent > 0) {
    process.stdout.write(`${options.json ? JSON.stringify(summary) : summaryText(summary, tally)}\n`);
  }
  if (problem !== undefined) throw problem;
  if (signal.aborted) return interruptedCode;
  return summary.committed + summary.quarantined === summary.accepted ? 0 : 1;
}

/** The problem that ended the work early is given back, so that a summary can come first. */
async function withProgress(text: () => string, work: () => Promise<void>): Promise<unknown> {
  using _ = startProgress(text, process.stderr);
  try {
    return await work();
  } catch (error) {
    return error;
  }
}

async function* fromFiles(
  files: readonly string[],
  { source }: { source?: string | undefined },
  signal: AbortSignal,
): AsyncGenerator<DemoEvent[]> {
  for (const path of files) {
    try {
      for await (const batch of inBatches(fileEvents(path, source === undefined ? {} : { source }))) {
        if (signal.aborted) return;
        yield batch;
      }
    } catch (error) {
      if (error instanceof DemoError) throw error;
      throw new DemoError(`${path} cannot be read to its end: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
  }
}

function fromThisMachine({ seconds, every, source }: DemoArguments, signal: AbortSignal): AsyncGenerator<DemoEvent[]> {
  return liveEvents({ forMs: seconds * 1_000, everyMs: every, signal, ...(source === undefined ? {} : { source }) });
}

async function mustBeReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    throw new ArgumentError(`--file ${path} cannot be read; give the path of a log file`, { cause: error });
  }
  if ((await stat(path)).isDirectory()) throw new ArgumentError(`--file ${path} is a folder; give a log file`);
}

function progressOf({ accepted }: Tally, { committed, quarantined }: Confirmation, startedAt: number): string {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const inQuarantine = quarantined > 0 ? `, ${quarantined} quarantined` : "";
  return `${accepted} accepted, ${committed} committed${inQuarantine}, ${seconds} s`;
}
