import { z } from "zod";
import { ConfigError } from "./config.ts";

/** Where a Redis of several servers is, as its connection string tells. */
export interface RedisAddress {
  readonly kind: "cluster" | "sentinel";
  readonly hasTls: boolean;
  /** Some of the cluster's nodes, or the sentinels. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** What the sentinels call the server that they watch. */
  readonly name: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

const single = /^rediss?:\/\//;
const several = /^redis(s?)\+(cluster|sentinel):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?@]+)(?:\/([^/?]+))?\/?$/;
const node = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/;

/** A connection string of one Redis. */
export const redisUrl = z.string().regex(single, "write a connection string such as redis://host:6379");

/** A connection string of one Redis, of a Redis Cluster, or of one that Sentinel watches. */
export const queueRedisUrl = z
  .string()
  .refine(
    (url) => single.test(url) || redisAddressOf(url) !== undefined,
    "write a connection string such as redis://host:6379, redis+cluster://host:6379,other:6379 " +
      "or redis+sentinel://host:26379,other:26379/mymaster",
  );

/**
 * What a `redis+cluster://[user:password@]host:port,host:port` or a
 * `redis+sentinel://[user:password@]host:port,host:port/name` says; `undefined` for anything else.
 * The credentials are those of the servers, percent-encoded.
 */
export function redisAddressOf(url: string): RedisAddress | undefined {
  const parts = several.exec(url);
  if (parts === null) return undefined;
  const [, tls, kind, username, password, hosts = "", name] = parts;
  if ((kind === "sentinel") !== (name !== undefined)) return undefined;
  const defaultPort = kind === "sentinel" ? 26_379 : 6_379;
  const nodes = hosts.split(",").map((text) => {
    const [, ipv6, host = ipv6, port = defaultPort] = node.exec(text) ?? [];
    return host === undefined ? undefined : { host, port: Number(port) };
  });
  if (!nodes.every((found) => found !== undefined)) return undefined;
  return {
    kind: kind === "sentinel" ? "sentinel" : "cluster",
    hasTls: tls === "s",
    nodes,
    name,
    username: username ? decodeURIComponent(username) : undefined,
    password: password ? decodeURIComponent(password) : undefined,
  };
}

/** The variables that say which Redis plays which role. */
export interface RedisVariables {
  readonly REDIS_URL?: string | undefined;
  readonly QUEUE_REDIS_URL?: string | undefined;
  readonly CACHE_REDIS_URL?: string | undefined;
}

/** Where the queue and the cache are. Throws a `ConfigError` when a role is left without a server that can play it. */
export function redisRolesOf(read: RedisVariables): { readonly queueUrl: string; readonly cacheUrl: string } {
  const queueUrl = read.QUEUE_REDIS_URL ?? read.REDIS_URL;
  if (queueUrl === undefined) {
    throw new ConfigError(["QUEUE_REDIS_URL is not set: give the queue's Redis, or REDIS_URL for one server"]);
  }
  const cacheUrl = read.CACHE_REDIS_URL ?? read.REDIS_URL ?? queueUrl;
  if (redisAddressOf(cacheUrl) !== undefined) {
    throw new ConfigError([
      "CACHE_REDIS_URL is not set: the queue's cluster cannot play that role, give a Redis of one server",
    ]);
  }
  return { queueUrl, cacheUrl };
}
