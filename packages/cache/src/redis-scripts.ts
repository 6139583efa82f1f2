/**
 * Each is one atomic step on these keys: `v:NAMESPACE:KEY` a value, `l:NAMESPACE:KEY` the token of who loads it,
 * `members` a hash of the members' states, of `#`, the number of the newest notice, and of
 * `life`, which tells one such hash from the next; `notices` a stream.
 *
 * A server that lost `members`, by FLUSHALL or eviction, does not know any more who may be serving from memory. The
 * first to notice adds a member that never answers, so that every invalidation waits until the leases of those
 * that are not known must have run out (Gray and Cheriton, "Leases", SOSP 1989, on recovery).
 */
const remember = `
local function remember(members, notices)
  if redis.call('HEXISTS', members, '#') == 0 then
    redis.call('DEL', members, notices)
    local now = redis.call('TIME')
    local life = now[1] .. '.' .. now[2]
    redis.call('HSET', members, '#', '0', 'life', life, 'forgotten ' .. life, '0:0')
  end
end`;

const announce = `
local function announce(members, notices, text)
  local number = redis.call('HINCRBY', members, '#', 1)
  redis.call('XADD', notices, 'MAXLEN', '~', '10000', number .. '-0', 't', text)
  return redis.call('HGETALL', members)
end`;

export const redisScripts = {
  cacheLease: {
    numberOfKeys: 2,
    lua: `
local value = redis.call('GET', KEYS[1])
if value then return value end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0`,
  },
  cacheFill: {
    numberOfKeys: 2,
    lua: `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`,
  },
  cacheRelease: {
    numberOfKeys: 1,
    lua: `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`,
  },
  /** KEYS: members, notices, then values and leases; ARGV: the notice. */
  cacheInvalidate: {
    lua: `${remember}${announce}
remember(KEYS[1], KEYS[2])
if #KEYS > 2 then redis.call('UNLINK', unpack(KEYS, 3)) end
return announce(KEYS[1], KEYS[2], ARGV[1])`,
  },
  cacheJoin: {
    numberOfKeys: 2,
    lua: `${remember}
remember(KEYS[1], KEYS[2])
local number = redis.call('HGET', KEYS[1], '#')
redis.call('HSET', KEYS[1], ARGV[1], '0:' .. number)
return tonumber(number)`,
  },
  cacheRenew: {
    numberOfKeys: 1,
    lua: `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return -1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return tonumber(redis.call('HGET', KEYS[1], '#'))`,
  },
  cacheExpel: {
    numberOfKeys: 1,
    lua: `if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end`,
  },
} as const;
