import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type CallApi, createApiCalls } from "../call-api.ts";
import { CommandError, say } from "../command-error.ts";
import { runDeclared } from "../commands/run-declared.ts";
import { loadApiConfig } from "../config.ts";
import { interruptedCode, listenForInterruption } from "../interruption.ts";
import { minuteOf, tableOf } from "../table.ts";
import { jobsCommand } from "./declaration.ts";

const run = z.object({
  queue_job_id: z.string(),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  outcome: z.string().nullable(),
  changed: z.record(z.string(), z.number()),
  error: z.string().nullable(),
});
const maintenance = z.object({
  jobs: z.array(
    z.object({ name: z.string(), pattern: z.string(), next_run_at: z.string().nullable(), runs: z.array(run) }),
  ),
});
type Run = z.output<typeof run>;

/** `jobs list|run`, through the API. Gives the exit code. */
export async function runJobs(args: string[]): Promise<number> {
  return await runDeclared(jobsCommand, args, async ({ subcommand, values, positionals: [name, ...others] }) => {
    const { url, key } = await loadApiConfig(process.env);
    const call = createApiCalls(values.url ?? url, key);
    if (subcommand === "list") return await list(call, values.json);
    if (name === undefined || others.length > 0) throw new CommandError("Name one job; see: millrace jobs list", 2);
    return await runNow(call, name, values);
  });
}

async function list(call: CallApi, isJson: boolean): Promise<number> {
  const { jobs } = maintenance.parse(await call("GET", "/database/maintenance?runs=1"));
  if (isJson) return say(JSON.stringify(jobs, undefined, 2), 0);
  const rows = jobs.map(({ name, pattern, next_run_at, runs: [last] }) => [
    name,
    pattern,
    minuteOf(next_run_at),
    minuteOf(last?.started_at),
    last === undefined ? "never run" : summaryOf(last),
  ]);
  return say(tableOf(["job", "pattern (UTC)", "next run", "last run", "outcome"], rows), 0);
}

async function runNow(call: CallApi, name: string, { wait, json }: { wait: boolean; json: boolean }): Promise<number> {
  using interruption = listenForInterruption();
  const path = `/database/maintenance/${encodeURIComponent(name)}/run`;
  const { queue_job_id: id } = z.object({ queue_job_id: z.string() }).parse(await call("POST", path));
  if (!wait) return say(json ? JSON.stringify({ queue_job_id: id }) : `Queued as ${id}.`, 0);
  process.stderr.write(`Waiting for a worker to run ${name} …\n`);
  for (;;) {
    const { jobs } = maintenance.parse(await call("GET", "/database/maintenance?runs=20"));
    const found = jobs.find((job) => job.name === name)?.runs.find((one) => one.queue_job_id === id);
    if (found !== undefined && found.ended_at !== null) {
      return say(json ? JSON.stringify(found) : summaryOf(found), found.outcome === "done" ? 0 : 1);
    }
    const isInterrupted = await sleep(250, false, { signal: interruption.signal }).catch(() => true);
    if (isInterrupted) {
      process.stderr.write("It goes on without this command; see: npm run jobs -- list\n");
      return interruptedCode;
    }
  }
}

function summaryOf({ outcome, changed, error }: Run): string {
  const changes = Object.entries(changed).map(([what, count]) => `${what} ${count}`);
  return [outcome ?? "under way", ...changes, error].filter((part) => part !== null).join(", ");
}
