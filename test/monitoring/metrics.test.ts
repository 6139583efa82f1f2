import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createKey } from "@millrace/access";
import { createServerFolder, findProgram, freePort } from "@millrace/embedded/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { type Api, startFleet } from "../domain/fleet.ts";
import { expressions, namesIn, prometheusFolder, recordingRules } from "./monitoring-files.ts";

const { program: prometheus, missing } = await findProgram("prometheus", "/usr/bin/prometheus");
const authorization = "Bearer millrace-test";

/** An API and a worker that have done a little of everything, and the key that lets a worker's figures be read. */
async function startBusyFleet() {
  await using parts = new AsyncDisposableStack();
  const opsPort = await freePort();
  const fleet = parts.use(
    await startFleet({ environment: { OPS_PORT: String(opsPort), DATABASE_DISK_BYTES: "900GB" } }),
  );
  const [api] = fleet.apis as [Api];
  const { key } = await createKey(fleet.db, { name: "monitoring", scopes: ["read"] });
  const events = [{ source: "/m", type: "t" }, { source: "/m" }];
  expect((await api.call("POST", "/v1/events", { body: events })).status).toBe(202);
  const address = `0x${"a1".repeat(20)}`;
  const write = { body: { display_name: "Ann" }, headers: { prefer: "wait=10" } };
  expect((await api.call("PUT", `/v1/users/${address}`, write)).status).toBe(200);
  await api.call("GET", `/v1/users/${address}`);
  expect((await api.call("POST", "/database/maintenance/performance.monitor/run")).status).toBe(202);
  const running = parts.move();
  const scrape = async (which: "api" | "worker", accept = "text/plain"): Promise<string> => {
    const url = which === "api" ? api.url : `http://127.0.0.1:${opsPort}`;
    const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}`, accept } });
    expect(response.status).toBe(200);
    return await response.text();
  };
  return { api, opsPort, key, scrape, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** The names that a sample may have, by the types that are declared. */
function namesOf(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = "", type]) =>
      type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
}

const seriesOf = (text: string): number =>
  text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;

test("every metric that a rule or the dashboard asks for is one that the apps have", async () => {
  await using fleet = await startBusyFleet();
  const api = await fleet.scrape("api");
  const worker = await fleet.scrape("worker");
  const known = new Set([...namesOf(api), ...namesOf(worker), ...recordingRules.map(({ record }) => record)]);
  const asked = [...new Set(expressions.flatMap(namesIn))];
  expect(asked.length).toBeGreaterThan(40);
  expect(asked.filter((name) => !known.has(name))).toEqual([]);
  // What both have of the queues and of themselves.
  for (const text of [api, worker]) {
    expect(text).toMatch(/^millrace_queue_oldest_wait_seconds\{queue="ingest",app="\w+"\} \d/m);
    expect(text).toMatch(/^millrace_dependency_up\{dependency="postgresql",app="\w+"\} 1$/m);
    expect(text).toMatch(/^millrace_statement_duration_seconds_count\{.*statement="/m);
    expect(text).toMatch(/^millrace_pool_wait_seconds_count\{/m);
    expect(text).toMatch(/^millrace_pool_connections\{state="max",app="\w+"\} \d+$/m);
    expect(text).toMatch(/^millrace_nodejs_eventloop_lag_p99_seconds\{/m);
    expect(text).toMatch(/^millrace_process_resident_memory_bytes\{/m);
  }
  expect(api).toMatch(/^millrace_events_accepted_total\{app="api"\} 1$/m);
  expect(api).toMatch(/^millrace_events_rejected_total\{reason="missing_attribute",app="api"\} 1$/m);
  expect(api).toMatch(/^millrace_partition_months_ahead\{app="api"\} [1-9]/m);
  await expect
    .poll(() => fleet.scrape("worker"), { timeout: 20_000 })
    .toMatch(/^millrace_job_wait_seconds_count\{[^}]*job="performance\.monitor"[^}]*\} [1-9]/m);
}, 90_000);

test("whatever somebody sends, the number of series stays what it is", async () => {
  await using fleet = await startBusyFleet();
  const { api } = fleet;
  const send = async (method: string, path: string, key: string): Promise<void> => {
    const headers = { authorization: key, "content-type": "application/json" };
    const body = method === "POST" ? JSON.stringify([{ source: path, type: key, id: path }, { source: key }, 7]) : null;
    await (await fetch(api.url + path, { method, headers, ...(body !== null && { body }) })).text();
  };
  const name = fc.stringMatching(/^[a-zA-Z0-9_.~-]{1,30}$/);
  const path = fc.oneof(
    name.map((id) => `/${id}`),
    name.map((id) => `/v1/events/${id}`),
    name.map((id) => `/v1/users/${id}`),
    name.map((id) => `/v1/events?source=${id}&type=${id}`),
    name.map((id) => `/v1/writes/${id}`),
    fc.constant("/v1/events"),
    fc.constant("/health"),
  );
  const method = fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "MKCOL");
  const key = fc.oneof(
    fc.constant(authorization),
    name.map((text) => `Bearer ${text}`),
  );
  const hammer = async (numRuns: number): Promise<number> => {
    await fc.assert(fc.asyncProperty(method, path, key, send), { numRuns });
    return seriesOf(await fleet.scrape("api"));
  };
  // Each route and method that there is, with each of its few answers, may have come once; their number is bounded.
  const declared = await hammer(600);
  const more = await hammer(600);
  const perHistogram = 16;
  expect(more - declared).toBeLessThan(20 * perHistogram);
  const text = await fleet.scrape("api");
  const routes = new Set([...text.matchAll(/route="([^"]*)"/g)].map(([, route]) => route));
  expect(
    [...routes].filter(
      (route) =>
        route !== "unknown" && !/^\/(?:v1\/[a-z]+(?:\/:\w+)?|health|metrics|database\/.*|\*)?$/.test(route ?? ""),
    ),
  ).toEqual([]);
  expect([...text.matchAll(/method="([^"]*)",route="unknown"/g)].every(([, used]) => used === "any")).toBe(true);
}, 120_000);

test.skipIf(prometheus === undefined)(
  `Prometheus takes what both expose, and answers every expression${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    if (prometheus === undefined) return;
    await using parts = new AsyncDisposableStack();
    const fleet = parts.use(await startBusyFleet());
    const { path: folder } = parts.use(await createServerFolder());
    const port = await freePort();
    await writeConfiguration(folder, fleet);
    const child = spawn(
      prometheus.file,
      [
        `--config.file=${join(folder, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { env: { ...prometheus.environment }, stdio: "ignore" },
    );
    parts.defer(() => endOf(child));
    const ask = async (query: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query })}`);
      return Object(await answer.json());
    };
    const valuesOf = async (query: string): Promise<string[]> =>
      (await ask(query).catch(() => ({ data: { result: [] } }))).data.result.map(
        ({ value }: { value: string[] }) => value[1],
      );
    await expect.poll(() => valuesOf("up"), { timeout: 30_000 }).toEqual(["1", "1"]);
    await expect.poll(() => valuesOf("sum(millrace_event_rows_total)"), { timeout: 30_000 }).toEqual(["1"]);
    await expect
      .poll(() => valuesOf('max(millrace:queue_consumers:max{queue="ingest"})'), { timeout: 30_000 })
      .toEqual(["1"]);
    for (const expression of expressions)
      expect([expression, (await ask(expression)).status]).toEqual([expression, "success"]);
    const rules = Object(await (await fetch(`http://127.0.0.1:${port}/api/v1/rules`)).json());
    const health = rules.data.groups.flatMap((group: { rules: { health: string }[] }) =>
      group.rules.map((rule) => rule.health),
    );
    expect(new Set(health)).toEqual(new Set(["ok"]));
  },
  120_000,
);

/** The configuration that is shipped, with these addresses and this key, and in more of a hurry. */
async function writeConfiguration(
  folder: string,
  { api, opsPort, key }: { readonly api: Api; readonly opsPort: number; readonly key: string },
): Promise<void> {
  const config = Object(parse(await readFile(join(prometheusFolder, "prometheus.yml"), "utf8")));
  const targets = { "millrace-api": new URL(api.url).host, "millrace-worker": `127.0.0.1:${opsPort}` };
  const scrapes = config.scrape_configs.map((one: { job_name: keyof typeof targets }) => ({
    ...one,
    dns_sd_configs: undefined,
    static_configs: [{ targets: [targets[one.job_name]] }],
    authorization: { credentials_file: join(folder, "key") },
  }));
  const hurried = { ...config.global, scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" };
  await mkdir(join(folder, "data"));
  await chmod(folder, 0o755);
  await writeFile(join(folder, "key"), key);
  await cp(join(prometheusFolder, "rules"), join(folder, "rules"), { recursive: true });
  await writeFile(join(folder, "prometheus.yml"), stringify({ ...config, global: hurried, scrape_configs: scrapes }));
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}
