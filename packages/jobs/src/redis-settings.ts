import type { Redis } from "ioredis";

/** How the queue's Redis is set up, as far as it tells. */
export interface RedisSettings {
  readonly version: string;
  /** `noeviction`, or what it throws away when memory is full. */
  readonly maxmemoryPolicy: string;
  /** 0 when there is no limit. */
  readonly maxmemoryBytes: number;
  readonly isAppendOnly: boolean;
  /** `always`, `everysec` or `no`; `undefined` where CONFIG is not allowed, as in many managed services. */
  readonly appendfsync: string | undefined;
}

/** Reads the settings from INFO, which every Redis answers, and CONFIG, which some do not. */
export async function readRedisSettings(redis: Redis): Promise<RedisSettings> {
  const info = fieldsOf(await redis.info());
  return {
    version: info.get("redis_version") ?? "unknown",
    maxmemoryPolicy: info.get("maxmemory_policy") ?? "unknown",
    maxmemoryBytes: Number(info.get("maxmemory") ?? 0),
    isAppendOnly: info.get("aof_enabled") === "1",
    appendfsync: await redis.config("GET", "appendfsync").then(settingIn, () => undefined),
  };
}

/** What in these settings breaks the promise that an accepted event is stored, and what to do about it. */
export function dangersOf(settings: RedisSettings): string[] {
  const { maxmemoryPolicy, isAppendOnly, appendfsync, version } = settings;
  const dangers: string[] = [];
  if (isOlder(version, 6, 2)) {
    dangers.push(`The queue's Redis is version ${version}; BullMQ needs 6.2 or newer`);
  }
  if (maxmemoryPolicy !== "noeviction") {
    dangers.push(
      `The queue's Redis may throw accepted events away when its memory is full (maxmemory-policy ${maxmemoryPolicy}); ` +
        "set maxmemory-policy noeviction",
    );
  }
  if (!isAppendOnly) {
    dangers.push(
      "The queue's Redis keeps no append-only file: accepted events are lost when it stops; set appendonly yes",
    );
  } else if (appendfsync === "no") {
    dangers.push(
      "The queue's Redis leaves it to the operating system when accepted events reach the disk; " +
        "set appendfsync always (no loss) or everysec (a second may be lost)",
    );
  }
  return dangers;
}

/** The fields of what INFO answers. */
export function fieldsOf(info: string): Map<string, string> {
  return new Map(
    info.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(":");
      return at < 0 || line.startsWith("#") ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}

/** CONFIG GET answers with names and values in turn. */
function settingIn(answer: unknown): string | undefined {
  return Array.isArray(answer) && typeof answer[1] === "string" ? answer[1] : undefined;
}

function isOlder(version: string, wantedMajor: number, wantedMinor: number): boolean {
  const [major = Number.NaN, minor = 0] = version.split(".").map(Number);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}
