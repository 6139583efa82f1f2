import { UnreachableError } from "@millrace/runtime";
import { defaultPrefix, mastersOf, producerConnection } from "./connection.ts";
import { createPresence, type Sign } from "./presence.ts";
import { dangersOf, type RedisSettings, readRedisSettings } from "./redis-settings.ts";

export interface RedisLook {
  /** Of each server that holds keys. */
  readonly servers: readonly {
    readonly settings: RedisSettings;
    /** What its clock said, by how much ours was ahead of it, and how exactly that is known. */
    readonly skewMs: number;
    readonly withinMs: number;
    /** How it is known over the network, to tell whether two names mean one server. */
    readonly runId: string;
  }[];
  /** What endangers accepted events if these are the queue's. */
  readonly dangers: readonly string[];
  /** What processes of this installation tell of themselves. */
  readonly signs: readonly Sign[];
}

/**
 * Looks at a Redis without leaving anything there. Rejects with an `UnreachableError` if it cannot be reached.
 * `now` is our clock, in milliseconds.
 */
export async function lookAtRedis({
  url,
  prefix = defaultPrefix,
  now = Date.now,
}: {
  readonly url: string;
  readonly prefix?: string;
  readonly now?: () => number;
}): Promise<RedisLook> {
  const connection = producerConnection(url);
  let fault: unknown;
  connection.on("error", (error) => {
    fault ??= error;
  });
  try {
    await connection.connect();
    const servers = await Promise.all(
      mastersOf(connection).map(async (node) => {
        const settings = await readRedisSettings(node);
        const before = now();
        const [seconds = 0, micros = 0] = (await node.time()).map(Number);
        const after = now();
        const skewMs = (before + after) / 2 - (seconds * 1_000 + micros / 1_000);
        const runId = /^run_id:(.*)$/m.exec(await node.info("server"))?.[1]?.trim() ?? "";
        return { settings, skewMs, withinMs: (after - before) / 2, runId };
      }),
    );
    const signs = await createPresence(connection, prefix).list();
    return { servers, dangers: [...new Set(servers.flatMap(({ settings }) => dangersOf(settings)))], signs };
  } catch (error) {
    throw new UnreachableError("Redis", url, fault ?? error);
  } finally {
    connection.disconnect();
  }
}
