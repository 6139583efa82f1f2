import { type Cache, type CacheNamespace, jsonCodec } from "@millrace/cache";
import type { Db, Statement } from "@millrace/db";

/** Rows as JSON gives them back: times are text. */
export type JsonRows<Row> = readonly {
  readonly [Column in keyof Row]: Row[Column] extends Date ? string : Row[Column];
}[];

export interface CachedDb {
  /**
   * The statement's rows, at most `ttl` ms old, from the cache where they were asked for under the same `key`. For
   * figures that may lag behind: no write takes them away.
   */
  rows<Params extends readonly unknown[], Row>(
    statement: Statement<Params, Row>,
    params: Params,
    options: { readonly cache: { readonly ttl: number; readonly key: string } },
  ): Promise<JsonRows<Row>>;
}

/** A database of which results are kept, as is said beside each query. A statement has one TTL. */
export function createCachedDb(db: Pick<Db, "rows">, cache: Cache): CachedDb {
  const namespaces = new Map<string, CacheNamespace<JsonRows<unknown>>>();
  const namespaceOf = (name: string, ttlMs: number): CacheNamespace<JsonRows<unknown>> => {
    let namespace = namespaces.get(name);
    if (namespace === undefined) {
      namespace = cache.namespace({
        name: `rows.${name}`,
        codec: jsonCodec<JsonRows<unknown>>(),
        forms: ["{key}"],
        ttlMs,
        staleMs: 0,
        memoryBytes: 1_024 ** 2,
      });
      namespaces.set(name, namespace);
    }
    return namespace;
  };
  return {
    async rows<Params extends readonly unknown[], Row>(
      statement: Statement<Params, Row>,
      params: Params,
      { cache: { ttl, key } }: { cache: { ttl: number; key: string } },
    ) {
      const load = async (): Promise<JsonRows<unknown>> => JSON.parse(JSON.stringify(await db.rows(statement, params)));
      // Loaded by this very statement.
      return ((await namespaceOf(statement.name, ttl).get(key, load)) ?? []) as JsonRows<Row>;
    },
  };
}
