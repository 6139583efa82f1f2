import { randomBytes } from "node:crypto";
import { statement } from "@millrace/db";
import type { TestDatabase, TestRedis } from "@millrace/embedded/testing";
import { Redis } from "ioredis";

/** Texts that occur nowhere else, by where they were put. */
export interface Marks {
  /** A new one. Some of its characters mean something in a URL or in JSON. */
  mark(place: string): string;
  /** The places whose mark is in the text, in whatever spelling. */
  foundIn(text: string): string[];
}

export function createMarks(): Marks {
  const places = new Map<string, string>();
  return {
    mark(place) {
      const core = randomBytes(9).toString("hex");
      places.set(core, place);
      return `mark${core}`;
    },
    foundIn: (text) => [...places].filter(([core]) => text.includes(core)).map(([, place]) => place),
  };
}

/** A way into the database and Redis that needs a password, which is gone with it. */
export async function createAccounts(database: TestDatabase, redis: TestRedis, marks: Marks) {
  await using parts = new AsyncDisposableStack();
  const name = `marked_${randomBytes(6).toString("hex")}`;
  const passwords = {
    postgres: `${marks.mark("password of PostgreSQL")}@/:"`,
    redis: `${marks.mark("password of Redis")}@/:"`,
  };
  const literal = `'${passwords.postgres}'`;
  await database.db.run(
    statement<[], never>("test.create_role", `CREATE ROLE ${name} SUPERUSER LOGIN PASSWORD ${literal}`),
    [],
  );
  parts.defer(async () => {
    await database.db.run(statement<[], never>("test.drop_owned", `DROP OWNED BY ${name} CASCADE`), []);
    await database.db.run(statement<[], never>("test.drop_role", `DROP ROLE ${name}`), []);
  });
  const admin = new Redis(redis.url);
  parts.defer(() => void admin.disconnect());
  await admin.call("ACL", "SETUSER", name, "on", `>${passwords.redis}`, "~*", "&*", "+@all");
  parts.defer(async () => void (await admin.call("ACL", "DELUSER", name)));
  const urlWith = (url: string, password: string): string => {
    const with_ = new URL(url);
    with_.username = name;
    with_.password = password;
    return with_.href;
  };
  const open = parts.move();
  return {
    databaseUrl: urlWith(database.url, passwords.postgres),
    redisUrl: urlWith(redis.url, passwords.redis),
    urlWith,
    /** Ends every connection of the account to PostgreSQL. */
    endConnections: async () => {
      await database.db.run(
        statement<[string], never>(
          "test.end_connections",
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1",
        ),
        [name],
      );
    },
    /** … and to Redis. */
    endRedisConnections: async () => void (await admin.call("CLIENT", "KILL", "USER", name)),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
