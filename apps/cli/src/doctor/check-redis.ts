import { lookAtRedis, type RedisLook } from "@millrace/jobs";
import { z } from "zod";
import { type Finding, findingsOf, skewFinding, textOf } from "./finding.ts";

export interface RedisNeeds {
  readonly queueUrl: string | undefined;
  readonly cacheUrl: string | undefined;
  readonly prefix: string | undefined;
  readonly now: () => number;
}

export interface RedisFindings {
  readonly findings: readonly Finding[];
  /** How many processes tell of themselves; `undefined` when nobody can tell. */
  readonly processes: { readonly apis: number; readonly workers: number } | undefined;
}

/** The Redis of the queue and that of the cache: whether they answer, how they are set up, and who is there. */
export async function checkRedis({ queueUrl, cacheUrl, prefix, now }: RedisNeeds): Promise<RedisFindings> {
  const look = async (url: string | undefined): Promise<RedisLook | Error | undefined> =>
    url === undefined
      ? undefined
      : await lookAtRedis({ url, now, ...(prefix !== undefined && { prefix }) }).catch((error: unknown) =>
          error instanceof Error ? error : new Error(String(error)),
        );
  const [queue, cache] = await Promise.all([look(queueUrl), look(cacheUrl)]);
  const isShared = isLook(queue) && isLook(cache) && queue.servers[0]?.runId === cache.servers[0]?.runId;
  const processes = isLook(queue) ? processesIn(queue) : undefined;
  return {
    findings: [...queueFindings(queue), ...cacheFindings(cache, isShared), ...presenceFindings(processes)],
    processes,
  };
}

const isLook = (found: RedisLook | Error | undefined): found is RedisLook =>
  found !== undefined && !(found instanceof Error);

function queueFindings(found: RedisLook | Error | undefined): Finding[] {
  const area = findingsOf("queue");
  const { ok, fail } = area;
  if (found === undefined) {
    return [fail("connection", "no Redis is named", "Set QUEUE_REDIS_URL, or REDIS_URL, or run npm start")];
  }
  if (found instanceof Error) return [awayFinding("queue", found)];
  const [first] = found.servers;
  return [
    ok(
      "connection",
      `Redis ${first?.settings.version}${found.servers.length > 1 ? `, ${found.servers.length} nodes` : ""}`,
    ),
    ...(found.dangers.length === 0
      ? [ok("policy", `${first?.settings.maxmemoryPolicy}, appendfsync ${first?.settings.appendfsync ?? "not told"}`)]
      : found.dangers.map((danger) => fail("policy", danger, mendIn(danger)))),
    ...found.servers.map(({ skewMs, withinMs }) => skewFinding(area, skewMs, withinMs)),
  ];
}

/** Each danger ends with what to set. */
function mendIn(danger: string): string {
  const [, setting, value] = /set (\S+) (\S+)/.exec(danger) ?? [];
  return setting === undefined
    ? "Upgrade it"
    : `redis-cli CONFIG SET ${setting} ${value}, and the same in its configuration, or it is gone with the next restart`;
}

function cacheFindings(found: RedisLook | Error | undefined, isShared: boolean): Finding[] {
  const area = findingsOf("cache");
  const { ok, warn } = area;
  if (found === undefined) return [];
  if (found instanceof Error) return [awayFinding("cache", found)];
  if (isShared) {
    return [
      warn(
        "connection",
        "the same Redis as the queue's: what is cached takes the room of what waits",
        "Give it one of its own in CACHE_REDIS_URL, with maxmemory and allkeys-lru; in development it is well",
      ),
    ];
  }
  return found.servers.flatMap(({ settings: { version, maxmemoryPolicy, maxmemoryBytes }, skewMs, withinMs }) => [
    ok("connection", `Redis ${version}`),
    maxmemoryBytes > 0 && !maxmemoryPolicy.startsWith("allkeys-")
      ? warn(
          "policy",
          `${maxmemoryPolicy}: when it is full it takes nothing new`,
          "redis-cli CONFIG SET maxmemory-policy allkeys-lru, and the same in its configuration",
        )
      : maxmemoryBytes === 0
        ? warn("policy", "no maxmemory: it may take all the machine has", "redis-cli CONFIG SET maxmemory 1gb")
        : ok("policy", maxmemoryPolicy),
    skewFinding(area, skewMs, withinMs),
  ]);
}

function awayFinding(area: string, error: Error): Finding {
  return findingsOf(area).fail(
    "connection",
    `${textOf(error)}; what needs it was not looked at`,
    "Start it, or mend its URL; docs/runbooks/redis-down.md",
  );
}

const sign = z.object({ app: z.string() });

function processesIn({ signs }: RedisLook): { readonly apis: number; readonly workers: number } {
  const apps = signs.flatMap(({ text }) => {
    try {
      return sign.parse(JSON.parse(text)).app;
    } catch {
      return []; // of a version that tells otherwise
    }
  });
  const count = (app: string): number => apps.filter((one) => one === app).length;
  return { apis: count("api"), workers: count("worker") };
}

function presenceFindings(processes: RedisFindings["processes"]): Finding[] {
  const { ok, warn, fail } = findingsOf("processes");
  if (processes === undefined) return [];
  const { apis, workers } = processes;
  const workerMend = "npm run worker, or docker compose up -d worker; docs/runbooks/queues.md";
  const noWorker = apis > 0 ? fail : warn;
  return [
    workers > 0
      ? ok("workers", `${workers} are there`)
      : noWorker("workers", "none is there: what is accepted waits", workerMend),
    apis > 0
      ? ok("APIs", `${apis} are there`)
      : warn("APIs", "none is there", "npm run api, or docker compose up -d api"),
  ];
}
