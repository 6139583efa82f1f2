import { randomBytes } from "node:crypto";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { freePort } from "../ports.ts";
import type { RunningServer } from "../postgres/start-postgres.ts";
import { startRedis } from "../redis/start-redis.ts";
import { loadTestConfig } from "./config.ts";
import { createServerFolder } from "./server-folder.ts";

export interface TestRedisCluster extends AsyncDisposable {
  /** `redis+cluster://…` */
  readonly url: string;
  /** One for each node, which answers for its own keys only. */
  readonly nodes: readonly Redis[];
}

const slots = 16_384;

/** Starts a Redis Cluster of three masters on loopback, each with a third of the slots. */
export async function startTestRedisCluster(): Promise<TestRedisCluster> {
  await using parts = new AsyncDisposableStack();
  const folder = parts.use(await createServerFolder());
  const password = randomBytes(8).toString("hex");
  const start = async (index: number): Promise<{ server: RunningServer; busPort: number; node: Redis }> => {
    const busPort = await freePort();
    const server = parts.use(
      await startRedis({
        dataDir: join(folder.path, `redis-${index}`),
        cacheDir: join(folder.path, "cache"),
        appendOnly: true,
        password,
        settings: ["cluster-enabled yes", `cluster-port ${busPort}`, "cluster-node-timeout 2000"],
        searchPath: loadTestConfig(process.env).searchPath,
        log: () => {},
      }),
    );
    const node = parts.adopt(new Redis(server.url), (redis) => redis.disconnect());
    return { server, busPort, node };
  };
  const members = await Promise.all([0, 1, 2].map(start));
  const [first] = members;
  for (const [index, { node }] of members.entries()) {
    const from = Math.ceil((index * slots) / members.length);
    const to = Math.ceil(((index + 1) * slots) / members.length) - 1;
    await node.cluster("ADDSLOTSRANGE", from, to);
    await node.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
    if (first !== undefined && index > 0) {
      await node.call("CLUSTER", "MEET", "127.0.0.1", first.server.port, first.busPort);
    }
  }
  const nodes = members.map(({ node }) => node);
  for (const node of nodes) {
    // Redis tells nobody when the nodes have agreed.
    while (!(await isWhole(node, members.length))) await sleep(20);
  }
  const running = parts.move();
  return {
    url: `redis+cluster://:${password}@${members.map(({ server }) => `127.0.0.1:${server.port}`).join(",")}`,
    nodes,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function isWhole(node: Redis, count: number): Promise<boolean> {
  const info = String(await node.cluster("INFO"));
  return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${count}`);
}
