import { randomUUID } from "node:crypto";
import type { CacheKey } from "@millrace/cache";
import { type Postgres, statement } from "@millrace/db";
import { createTestDatabase, type TestDatabase } from "@millrace/embedded/testing";
import type { Run } from "@millrace/upkeep";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cleanUpExpired } from "./clean-up-expired.ts";
import { cleanUpSecurity } from "./clean-up-security.ts";

const dayMs = 86_400_000;
const [ann, bob] = ["a1", "b0"].map((pair) => `0x${pair.repeat(20)}`) as [string, string];

let database: TestDatabase;
let db: Postgres;
beforeEach(async () => {
  database = await createTestDatabase();
  ({ db } = database);
});
afterEach(() => database[Symbol.asyncDispose]());

const command = (text: string, ...values: unknown[]) =>
  db.run(statement<readonly unknown[], never>("test.command", text), values);
const count = async (from: string) =>
  (await db.rows(statement<[], { n: number }>("test.count", `SELECT count(*)::int AS n FROM ${from}`), []))[0]?.n;

function startRun(unfinishedSince?: Date) {
  const changes: Record<string, number> = {};
  const run: Run = {
    signal: new AbortController().signal,
    unfinishedSince,
    changed: (what, n = 1) => {
      changes[what] = (changes[what] ?? 0) + n;
    },
    giveWay: async () => {},
  };
  return { run, changes };
}

function expiry() {
  const invalidated: string[] = [];
  const cache = {
    invalidate: async (keys: readonly CacheKey[]) => {
      invalidated.push(...keys.map(({ namespace, key }) => `${namespace}/${key}`));
    },
  };
  return { invalidated, clean: cleanUpExpired({ db, cache, keepWritesMs: 7 * dayMs, keepRecordsMs: 14 * dayMs }) };
}

test("sessions, blocks, writes and records whose time is over go, and what is cached of them with them", async () => {
  const addSession = (id: string, secondsLeft: number) =>
    command(
      `INSERT INTO sessions (id, a_addr, b_addr, state, created_at, expires_at)
       VALUES ($1, $2, $3, 'created', now() - interval '1 hour', now() + $4 * interval '1 s')`,
      id,
      ann,
      bob,
      secondsLeft,
    );
  await command("INSERT INTO users (address) VALUES ($1), ($2)", ann, bob);
  const [over, running] = [randomUUID(), randomUUID()];
  await addSession(over, -1);
  await addSession(running, 60);
  await command(
    "INSERT INTO blocks (blocker, blocked, expires_at) VALUES ($1, $2, now() - interval '1 s'), ($2, $1, NULL)",
    ann,
    bob,
  );
  for (const days of [0, 6, 8, 400]) {
    await command(
      "INSERT INTO writes (id, kind, outcome, accepted_at, finished_at) VALUES ($1, 'k', 'done', now(), now() - $2::int * interval '1 day')",
      randomUUID(),
      days,
    );
    await command(
      "INSERT INTO database_samples VALUES (now() - $1::int * interval '1 day' - interval '1 hour', '{}')",
      days,
    );
  }

  await command(
    "INSERT INTO nonces (nonce_hash, address, issued_at, expires_at) SELECT sha256(n::text::bytea), $1, now() - interval '1 hour', now() + n * interval '1 s' FROM unnest(ARRAY[-1, 60]) AS n",
    ann,
  );

  for (const [seenDaysAgo, name] of [
    [13, "new"],
    [15, "old"],
  ] as const) {
    await command(
      "INSERT INTO server_statements (query_id, text, seen_on) VALUES ($1::int, '', (now() - $1::int * interval '1 day')::date)",
      seenDaysAgo,
    );
    await command(
      `INSERT INTO statement_plans (statement, plan_hash, plan, parameters, duration_ms, is_slow, last_seen_at)
       VALUES ($1, '', '{}', '[]', 1, false, now() - $2 * interval '1 day')`,
      name,
      seenDaysAgo,
    );
  }

  const { invalidated, clean } = expiry();
  const { run, changes } = startRun();
  await clean(run);
  expect(changes).toEqual({
    sessions_ended: 1,
    blocks_removed: 1,
    nonces: 1,
    writes_forgotten: 2,
    samples: 1,
    statement_plans: 1,
    server_statements: 1,
  });
  expect(invalidated).toEqual(expect.arrayContaining([`sessions/id/${over}`, `blocks/${ann}/${bob}`]));
  expect(invalidated).not.toContain(`sessions/id/${running}`);
  expect([await count("sessions WHERE state = 'ended'"), await count("blocks"), await count("writes")]).toEqual([
    1, 1, 2,
  ]);

  // A run that died between its COMMIT and the invalidation has that done by the next one.
  const again = expiry();
  await again.clean(startRun(new Date(Date.now() - 60_000)).run);
  expect(again.invalidated).toContain(`sessions/id/${over}`);
});

test("used nonces, ended keys and browser sessions, and letters and quarantine past their retention go; the others stay", async () => {
  await command(
    `INSERT INTO nonces (nonce_hash, address, issued_at, expires_at, used_at)
     SELECT sha256(n::text::bytea), $1, now() - interval '2 days', now() + (60 - n) * interval '1 minute',
            CASE n WHEN 2 THEN now() - interval '2 hours' WHEN 3 THEN now() END
       FROM unnest(ARRAY[1, 2, 3, 600]) AS n`,
    ann,
  );
  await command(
    `INSERT INTO api_keys (name, key_hash, prefix, scopes, revoked_at, expires_at)
     SELECT n::text, sha256(n::text::bytea), 'p', '{read}', CASE n WHEN 1 THEN now() - interval '100 days' END,
            CASE n WHEN 2 THEN now() - interval '100 days' WHEN 3 THEN now() - interval '1 day' END
       FROM generate_series(1, 4) AS n`,
  );
  await command(
    `INSERT INTO dead_letters (queue, job_name, reason_code, message, payload, created_at)
     SELECT 'ingest', 'j', 'r', 'm', 'p', now() - n * interval '1 day' FROM unnest(ARRAY[1, 29, 31]) AS n`,
  );
  await command(
    `INSERT INTO telemetry_events_quarantine (id, source, type, time, reason, received_at)
     SELECT n::text, 's', 't', now(), 'r', now() - n * interval '1 day' FROM unnest(ARRAY[1, 2500, 31]) AS n`,
  );
  await command(
    `INSERT INTO browser_sessions (token_hash, key_hash, expires_at)
     SELECT sha256(n::text::bytea), sha256('key'), now() + n * interval '1 hour' FROM unnest(ARRAY[-2, -1, 1]) AS n`,
  );
  const { run, changes } = startRun();
  await cleanUpSecurity({ db, keepKeysMs: 90 * dayMs, keepDeadLettersMs: 30 * dayMs, keepQuarantineMs: 30 * dayMs })(
    run,
  );
  expect(changes).toEqual({
    nonces_expired: 1,
    nonces_used: 1,
    keys: 2,
    browser_sessions: 2,
    dead_letters: 1,
    quarantined: 2,
  });
  expect([await count("nonces"), await count("api_keys"), await count("dead_letters")]).toEqual([2, 2, 2]);
  expect(await count("browser_sessions")).toBe(1);
});
