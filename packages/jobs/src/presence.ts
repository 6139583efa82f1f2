import type { RedisClient } from "./connection.ts";

/** What each process tells of itself, kept for a few seconds beside the jobs. */
export interface Presence {
  /** Tells it anew, in one command. Whoever is silent for ten seconds is not there any more. */
  tell(id: string, text: string): Promise<void>;
  /** What all tell, and how long ago they did so by the clock of Redis. */
  list(): Promise<readonly Sign[]>;
  /** Takes back what was told, before its time is over. */
  leave(id: string): Promise<void>;
}

export interface Sign {
  readonly id: string;
  readonly text: string;
  readonly ageMs: number;
}

/** The index is cleaned by whoever tells, so that it lists no more than there are, and goes when nobody tells. */
const tellScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`;

const listScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local members = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
local found = {}
for at = 1, #members, 2 do
  local text = redis.call('GET', ARGV[1] .. members[at])
  if text then
    found[#found + 1] = {members[at], text, math.max(0, now - members[at + 1])}
  end
end
return found`;

/** The text in braces has all keys on one node of a cluster, which scripts need. */
export function createPresence(redis: RedisClient, prefix: string, presenceMs = 10_000): Presence {
  const index = `${prefix}:{fleet}`;
  const keyStem = `${index}:`;
  return {
    async tell(id, text) {
      await redis.eval(tellScript, 2, index, keyStem + id, id, text, presenceMs);
    },

    async list() {
      // As the script above answers.
      const found = (await redis.eval(listScript, 1, index, keyStem)) as [id: string, text: string, ageMs: number][];
      return found.map(([id, text, ageMs]) => ({ id, text, ageMs }));
    },

    async leave(id) {
      await redis.unlink(keyStem + id);
    },
  };
}
