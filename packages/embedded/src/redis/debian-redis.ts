import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { downloadPackage, lastLineOf, type UnpackedPackage, unpackedPackage } from "../debian-package.ts";
import { localRedis } from "./local-redis.ts";
import type { RedisProgram } from "./redis-program.ts";

interface DebianOptions {
  readonly cacheDir: string;
  readonly searchPath: string;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The distribution's own Redis, on Debian and Ubuntu, downloaded and unpacked into `cacheDir`: nothing is
 * installed and no rights are needed. `undefined` where there is no apt or the download failed; the log
 * says why.
 */
export async function debianRedis(options: DebianOptions): Promise<RedisProgram | undefined> {
  const { cacheDir, searchPath, log, signal } = options;
  const target = join(cacheDir, "redis");
  const kept = await redisIn(await unpackedPackage(target, searchPath));
  if (kept !== undefined) return kept;
  log("There is no redis-server on PATH; downloading the distribution's package (nothing is installed)");
  try {
    await mkdir(cacheDir, { recursive: true });
    const names = ["redis-server", "redis-tools"] as const;
    const unpacked = await downloadPackage({ names, target, searchPath, ...(signal && { signal }) });
    return unpacked && (await redisIn(unpacked));
  } catch (error) {
    signal?.throwIfAborted();
    log(`The Redis package could not be obtained: ${lastLineOf(error)}`);
    return undefined;
  }
}

async function redisIn({ root, environment }: UnpackedPackage): Promise<RedisProgram | undefined> {
  return await localRedis({ file: join(root, "usr/bin/redis-server"), environment });
}
