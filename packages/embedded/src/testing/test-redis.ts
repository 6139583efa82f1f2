import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { inject } from "vitest";
import "./test-servers.ts";

export interface TestRedis extends AsyncDisposable {
  readonly url: string;
  /** Begins every key of the test, so that tests share one server and stay apart. */
  readonly prefix: string;
}

/** A corner of the real Redis for one test. Disposing removes the keys that begin with the prefix. */
export async function createTestRedis(): Promise<TestRedis> {
  const { redisUrl } = inject("testServers");
  const prefix = `test-${randomBytes(8).toString("hex")}`;
  return { url: redisUrl, prefix, [Symbol.asyncDispose]: () => removeKeys(redisUrl, prefix) };
}

async function removeKeys(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url);
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1000 })) {
      if (keys.length > 0) await redis.unlink(...keys);
    }
  } finally {
    redis.disconnect();
  }
}
