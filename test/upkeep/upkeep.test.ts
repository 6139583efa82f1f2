import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { createKey } from "@millrace/access";
import { statement } from "@millrace/db";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type Api, startFleet } from "../domain/fleet.ts";
import { runCommand, startCommand } from "./run-command.ts";

let fleet: Awaited<ReturnType<typeof startFleet>>;
let api: Api;
beforeAll(async () => {
  fleet = await startFleet({ apis: 1, workers: 5 });
  [api] = fleet.apis as [Api];
}, 60_000);
afterAll(() => fleet[Symbol.asyncDispose]());

interface JobShown {
  readonly name: string;
  readonly next_run_at: string | null;
  readonly runs: readonly {
    readonly queue_job_id: string;
    readonly outcome: string | null;
    readonly changed: object;
  }[];
}

const jobNames = [
  "performance.monitor",
  "alerts.evaluate",
  "expired.clean_up",
  "indexes.analyse",
  "security.clean_up",
  "partitions.keep",
  "backup.drill",
  "backup.look",
];
async function jobsShown(): Promise<Map<string, JobShown>> {
  const { body } = await api.call("GET", "/database/maintenance?runs=100");
  return new Map((body["jobs"] as JobShown[]).map((job) => [job.name, job]));
}

async function runOf(name: string): Promise<JobShown["runs"][number]> {
  const { status, body } = await api.call("POST", `/database/maintenance/${name}/run`);
  expect(status).toBe(202);
  const find = async () => (await jobsShown()).get(name)?.runs.find((run) => run.queue_job_id === body["queue_job_id"]);
  await expect.poll(async () => (await find())?.outcome ?? null, { timeout: 20_000 }).not.toBeNull();
  const found = await find();
  if (found === undefined) throw new Error("The run was there a moment ago");
  return found;
}

test("five workers that start at once declare each job once, and each is run by hand once", async () => {
  const redis = new Redis(fleet.redis.url);
  const key = (name: string): string => `${fleet.redis.prefix}:{upkeep}:${name}`;
  expect((await redis.zrange(key("repeat"), 0, -1)).sort()).toEqual(jobNames.toSorted());
  expect(await redis.zcard(key("delayed"))).toBe(jobNames.length);
  redis.disconnect();
  const shown = await jobsShown();
  expect([...shown.keys()].sort()).toEqual(jobNames.toSorted());
  for (const { next_run_at } of shown.values())
    expect(Date.parse(next_run_at ?? "")).toBeGreaterThan(Date.now() - 60_000);
  for (const name of jobNames) expect(await runOf(name), name).toMatchObject({ outcome: "done" });
  const metrics = String((await api.call("GET", "/metrics")).body["text"]);
  expect(metrics).toMatch(
    /millrace_job_last_end_timestamp_seconds\{job="partitions.keep",outcome="done",app="api"\} \d{10}/,
  );
  expect((await api.call("POST", "/database/maintenance/nothing.such/run")).status).toBe(404);
});

test("what operators ask about the database is answered, and agrees with PostgreSQL's own views", async () => {
  await runOf("performance.monitor");
  await runOf("performance.monitor");
  const { body: health } = await api.call("GET", "/database/health");
  expect(health).toMatchObject({ status: "ok" });
  const { body: metrics } = await api.call("GET", "/database/metrics?window=1h");
  const [truth] = await fleet.db.rows(
    statement<[], { commits: string; bytes: string; max: number }>(
      "test.truth",
      `SELECT xact_commit AS commits, pg_database_size(datid) AS bytes, current_setting('max_connections')::int AS max
         FROM pg_stat_database WHERE datname = current_database()`,
    ),
    [],
  );
  const last = metrics["last"] as Record<string, number>;
  expect(last["commits_total"]).toBeLessThanOrEqual(Number(truth?.commits));
  expect(last["commits_total"]).toBeGreaterThan(0);
  expect(Math.abs((last["database_bytes"] ?? 0) - Number(truth?.bytes))).toBeLessThan(2_000_000);
  const { body: connections } = await api.call("GET", "/database/connections");
  const [server] = connections["server"] as { value: number; connections: number }[];
  expect(server?.value).toBeCloseTo((server?.connections ?? 0) / ((truth?.max ?? 0) - 3), 5);
  expect(connections["pool"]).toMatchObject({ waiting: 0 });
  const { body: partitions } = await api.call("GET", "/database/partitions");
  expect((partitions["partitions"] as { state: string }[]).map(({ state }) => state)).toEqual(
    Array.from({ length: 4 }, () => "attached"),
  );
  expect(last).toMatchObject({ statements_evicted_total: expect.any(Number) });
  expect(await api.call("GET", "/database/query-analysis?window=never")).toMatchObject({ status: 400 });
  await expect
    .poll(
      async () => {
        const { body } = await api.call("GET", "/database/query-analysis?window=1h&limit=500");
        return (body["statements"] as { statement: string }[]).map(({ statement }) => statement);
      },
      { timeout: 30_000, interval: 500 },
    )
    .toEqual(expect.arrayContaining(["job_runs.begin", "database_samples.take"]));
}, 60_000);

test("an index twice over is found, planned, dropped by a worker when that is asked for, and brought back", async () => {
  const command = (text: string) => fleet.db.run(statement<[], never>("test.command", text), []);
  await command("CREATE INDEX zz_twice ON users (address, created_at)");
  await command("CREATE INDEX zz_twice_again ON users (address, created_at)");
  const plan = await api.call("POST", "/database/optimize", { body: {} });
  expect(plan).toMatchObject({
    status: 200,
    body: { plan: [{ id: "duplicate:zz_twice_again", confidence: "certain" }] },
  });
  expect(await api.call("POST", "/database/optimize", { body: { apply: true, findings: ["no"] } })).toMatchObject({
    status: 404,
  });

  const asked = await api.call("POST", "/database/optimize", { body: { apply: true } });
  const [{ id } = { id: "" }] = asked.body["actions"] as { id: string }[];
  const stateOf = async () => (await api.call("GET", `/database/optimize/${id}`)).body["state"];
  await expect.poll(stateOf, { timeout: 20_000 }).toBe("done");
  expect((await api.call("GET", "/database/indexes")).body["findings"]).toEqual([]);
  expect((await api.call("POST", `/database/optimize/${id}/undo`)).status).toBe(202);
  await expect.poll(stateOf, { timeout: 20_000 }).toBe("undone");
  expect((await api.call("POST", `/database/optimize/${id}/undo`)).status).toBe(409);
  expect((await api.call("GET", "/database/indexes")).body["findings"]).toMatchObject([{ index: "zz_twice_again" }]);
  await command("DROP INDEX zz_twice, zz_twice_again");
}, 60_000);

test("alerts are looked at by a worker, shown, acknowledged and silenced", async () => {
  await runOf("alerts.evaluate");
  const { body } = await api.call("GET", "/alerts");
  const alerts = body["alerts"] as { rule: string; state: string }[];
  expect(alerts.length).toBeGreaterThan(10);
  for (const { rule, state } of alerts) expect([rule, state]).toEqual([rule, "ok"]);
  expect(alerts).toContainEqual(
    expect.objectContaining({
      rule: "no_consumer",
      severity: "critical",
      value: 5,
      unit: "count",
      fire_at: 0,
      clear_at: 1,
      runbook: "/runbooks/queues.md#no_consumer",
      looked_at: body["looked_at"],
      acknowledged_at: null,
      silenced_why: null,
    }),
  );
  expect(body["seconds_ago"]).toBeLessThan(60);
  expect((await api.call("GET", "/runbooks/queues.md")).body["text"]).toContain("## no_consumer");
  const post = (path: string, body?: object) => api.call("POST", `/alerts/${path}`, { body });
  expect(await post("wraparound/acknowledge", { by: "ann" })).toMatchObject({ status: 409 });
  expect(await post("nothing/acknowledge", { by: "ann" })).toMatchObject({ status: 404 });
  expect(await post("wraparound/silence", { minutes: 60 })).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining("why: say why") },
  });
  expect(await post("wraparound/silence", { minutes: 60, why: "a new disk" })).toMatchObject({
    status: 200,
    body: { silenced_until: expect.stringMatching(/Z$/), silenced_by: "development", silenced_why: "a new disk" },
  });
  expect(await post("wraparound/silence", { minutes: 0 })).toMatchObject({ body: { silenced_until: null } });

  const { key } = await createKey(fleet.db, { name: "looker", scopes: ["read"] });
  const headers = { authorization: `Bearer ${key}` };
  expect(await api.call("GET", "/alerts?events=0", { headers })).toMatchObject({ status: 200, body: { events: [] } });
  expect(await api.call("GET", "/runbooks/alerts.md", { headers })).toMatchObject({ status: 200 });
  for (const action of ["acknowledge", "silence"]) {
    const refused = await api.call("POST", `/alerts/wraparound/${action}`, { headers, body: { minutes: 1, why: "x" } });
    expect(refused).toMatchObject({ status: 403, body: { type: "/problems/scope_missing" } });
  }
}, 60_000);

test("that there is no worker at all is noticed by the API and told; that there is one again, by the worker", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "millrace-alerts-"));
  const file = join(folder.path, "rules.json");
  await writeFile(file, JSON.stringify([{ id: "no_consumer", for_seconds: 0 }]));
  await using receiver = await startHook();
  const environment = { ALERT_RULES: file, ALERT_WEBHOOKS: receiver.url, PUBLIC_URL: "https://millrace.example.org/" };
  await using lonely = await startFleet({ apis: 1, workers: 0, environment });
  const [{ call }] = lonely.apis as [Api];
  const shown = async () => {
    const alerts = (await call("GET", "/alerts")).body["alerts"] as { rule: string; state: string }[];
    return alerts.find(({ rule }) => rule === "no_consumer");
  };
  await expect.poll(shown, { timeout: 20_000 }).toMatchObject({ state: "firing", value: 0 });
  await expect.poll(() => receiver.told, { timeout: 10_000 }).toContain("no_consumer firing");
  expect(await call("POST", "/alerts/no_consumer/acknowledge")).toMatchObject({
    status: 200,
    body: { acknowledged_by: "development", acknowledged_at: expect.stringMatching(/Z$/) },
  });
  await lonely.startWorker();
  expect(await call("POST", "/database/maintenance/alerts.evaluate/run")).toMatchObject({ status: 202 });
  await expect.poll(() => receiver.told, { timeout: 20_000 }).toContain("no_consumer resolved");
  expect(await shown()).toMatchObject({ state: "ok", acknowledged_by: null });
}, 90_000);

async function startHook() {
  const told: string[] = [];
  const server = createServer(async (request, response) => {
    const { rule, event } = z.object({ rule: z.string(), event: z.string() }).parse(await json(request));
    told.push(`${rule} ${event}`);
    response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  return {
    told,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

test("the commands list and run jobs, and keep partitions", async () => {
  const environment = { MILLRACE_KEY: "millrace-test", DATABASE_URL: fleet.databaseUrl };
  const jobs = (...args: string[]) => runCommand(["jobs", ...args, "--url", api.url], environment);
  const partitions = (...args: string[]) => runCommand(["partitions", ...args], environment);
  expect(await jobs("list")).toMatchObject({ code: 0, out: expect.stringContaining("partitions.keep") });
  expect(await jobs("run", "expired.clean_up", "--json")).toMatchObject({
    code: 0,
    out: expect.stringContaining('"done"'),
  });
  expect(await jobs("run", "nothing")).toMatchObject({ code: 1, err: expect.stringContaining("performance.monitor") });
  expect(await jobs("walk")).toMatchObject({ code: 2 });
  const alerts = (...args: string[]) => runCommand(["alerts", ...args, "--url", api.url], environment);
  expect(await alerts("list")).toMatchObject({
    code: 0,
    out: expect.stringContaining("/runbooks/queues.md#no_consumer"),
  });
  expect(await alerts("list", "--check", "--json")).toMatchObject({
    code: 0,
    out: expect.stringContaining('"no_consumer"'),
  });
  const silence = await alerts("silence", "wraparound", "--for", "2h", "--why", "a new disk", "--by", "ann");
  expect(silence).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^Nobody is told of wraparound until .*Z\.\n$/),
  });
  expect((await alerts("list")).out).toMatch(/wraparound .* silenced until .* by ann: a new disk/);
  expect(await alerts("unsilence", "wraparound")).toMatchObject({ code: 0, out: "wraparound is told again.\n" });
  expect(await alerts("ack", "wraparound")).toMatchObject({ code: 1, err: expect.stringContaining("does not fire") });
  expect(await alerts("history", "--json")).toMatchObject({ code: 0, out: expect.stringMatching(/^\[/) });
  const doctor = await runCommand(["doctor", "--json"], { ...environment, ...fleet.environment });
  const { findings } = z
    .object({ findings: z.array(z.looseObject({ area: z.string(), name: z.string(), status: z.string() })) })
    .parse(JSON.parse(doctor.out));
  expect(findings).toContainEqual({ area: "processes", name: "workers", status: "ok", detail: "5 are there" });
  expect(findings.filter(({ area, status }) => area === "schema" && status === "fail")).toEqual([]);
  expect(await partitions("list")).toMatchObject({ code: 0, out: expect.stringContaining("attached") });
  expect(await partitions("plan")).toMatchObject({ code: 0, out: "There is nothing to do.\n" });
  const month = new Date().toISOString().slice(0, 7);
  expect(await partitions("drop", month)).toMatchObject({ code: 1, err: expect.stringContaining("detach") });
  expect(await partitions("detach", month)).toMatchObject({ code: 0 });
  expect(await partitions("drop", month)).toMatchObject({ code: 2, err: expect.stringContaining("--export") });
  expect(await partitions("drop", month, "--yes")).toMatchObject({ code: 0 });
  expect(await partitions("restore", "/nowhere")).toMatchObject({ code: 1 });
  expect(await partitions("list", "--json")).toMatchObject({ out: expect.not.stringContaining(month) });

  const backup = (...args: string[]) => runCommand(["backup", ...args], { ...environment, BACKUP_DIR: "/nowhere" });
  expect(await backup("list")).toMatchObject({ code: 0, out: "There are none in /nowhere.\n" });
  expect(await backup("verify", "20260101T000000")).toMatchObject({
    code: 1,
    err: expect.stringContaining("no complete backup"),
  });
  expect(await backup("restore", "20260101T000000")).toMatchObject({ code: 2, err: expect.stringContaining("--into") });
  expect(await backup("drill")).toMatchObject({ code: 1, err: expect.stringContaining("npm run backup -- create") });
}, 60_000);

test("a command that is killed while it takes a month out is finished by the next run of the job", async () => {
  const months = async () => {
    const { body } = await api.call("GET", "/database/partitions");
    return body["partitions"] as { month: string; state: string }[];
  };
  const last = (await months()).at(-1)?.month ?? "";
  const stateOf = async () => (await months()).find(({ month }) => month === last)?.state;
  await fleet.db.transaction(async (reader) => {
    await reader.rows(statement<[], unknown>("test.read", "SELECT count(*) FROM telemetry_events"), []);
    const command = startCommand(["partitions", "detach", last], { DATABASE_URL: fleet.databaseUrl });
    await expect.poll(stateOf, { timeout: 10_000 }).toBe("detaching");
    command.kill("SIGKILL");
  });
  expect(await runOf("partitions.keep")).toMatchObject({ outcome: "done", changed: { finish_detaching: 1 } });
  expect(await stateOf()).toBe("detached");
}, 60_000);
