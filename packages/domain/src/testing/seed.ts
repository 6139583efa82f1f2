import { createHash } from "node:crypto";
import { type Db, statement } from "@millrace/db";

/** The nth address of the seed: the same text that `addressOf` in its SQL makes. */
export function seededAddress(n: number): string {
  const digest = createHash("md5").update(String(n)).digest("hex");
  return `0x${(digest + digest).slice(0, 40)}`;
}

/** The id of the nth seeded row, whatever its table. */
export function seededId(n: number): string {
  return createHash("md5")
    .update(`row ${n}`)
    .digest("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

const addressOf = (n: string): string => `('0x' || left(md5((${n})::text) || md5((${n})::text), 40))`;
const idOf = (n: string): string => `md5('row ' || ${n})::uuid`;

/** Rows enough for the planner to have a choice. The same rows at each run; times are relative to now. */
const seeds = [
  statement(
    "seed.users",
    `INSERT INTO users (address, display_name, created_at, last_seen_at)
     SELECT ${addressOf("n")}, left(md5('name ' || n), 8), now() - n * interval '9 minutes',
            now() - (n * 7919 % 20000) * interval '5 minutes'
       FROM generate_series(1, 20000) AS n`,
  ),
  // Callers and called are unevenly busy; of 100 sessions 97 have ended, one rings and two are under way.
  statement(
    "seed.sessions",
    `INSERT INTO sessions
       (id, a_addr, b_addr, state, is_reported, created_at, started_at, ended_at, expires_at, end_reason)
     SELECT ${idOf("n")}, ${addressOf("caller")}, ${addressOf("CASE WHEN called = caller THEN called + 1 ELSE called END")},
            state, n % 97 = 0, created,
            CASE WHEN state <> 'created' AND n % 10 > 0 OR state = 'active' THEN created + interval '5 seconds' END,
            CASE WHEN state = 'ended' THEN created + (n * 31 % 3600 + 6) * interval '1 second' END,
            CASE WHEN n % 200 = 1 THEN now() - interval '1 minute' ELSE created + interval '1 day' END,
            CASE WHEN state = 'ended' THEN 'hung_up' END
       FROM (
         SELECT n, 1 + n * 7919::bigint % 977 * (n * 104729::bigint % 1009) / 1009 AS caller, 1 + n * 15485863::bigint % 991 * (n * 32452843::bigint % 983) / 983 AS called,
                now() - n * interval '4 minutes' AS created,
                CASE WHEN n % 100 = 1 THEN 'created' WHEN n % 100 IN (2, 3) THEN 'active' ELSE 'ended' END AS state
           FROM generate_series(1, 40000) AS n
       ) AS session`,
  ),
  // Moderators are behind: many reports are open, few under review.
  statement(
    "seed.reports",
    `INSERT INTO reports (id, session_id, reporter, reported, category, status, created_at, resolved_at)
     SELECT ${idOf("n")}, ${idOf("n")}, ${addressOf("n % 1000")}, ${addressOf("n % 1000 + 1 + n % 7")},
            (ARRAY['abuse', 'spam', 'fraud', 'other'])[1 + n % 4], status, now() - n * interval '10 minutes',
            CASE WHEN status IN ('resolved', 'dismissed') THEN now() - n * interval '9 minutes' END
       FROM (
         SELECT n, CASE WHEN n % 500 = 1 THEN 'reviewing' WHEN n % 8 = 0 THEN 'open' WHEN n % 3 = 0 THEN 'dismissed'
                        ELSE 'resolved' END AS status
           FROM generate_series(1, 20000) AS n
       ) AS report`,
  ),
  // Half of the blocks are by a few who block hundreds.
  statement(
    "seed.blocks",
    `INSERT INTO blocks (blocker, blocked, created_at, expires_at)
     SELECT ${addressOf("CASE WHEN n <= 10000 THEN n % 20 ELSE n % 500 END")},
            ${addressOf("CASE WHEN n <= 10000 THEN 100 + n / 20 ELSE 600 + n / 500 END")},
            now() - n * interval '7 minutes', CASE WHEN n % 20 = 0 THEN now() + (n - 1000) * interval '1 minute' END
       FROM generate_series(1, 20000) AS n`,
  ),
  statement(
    "seed.balances",
    `INSERT INTO balances (address, asset, amount)
     SELECT ${addressOf("n % 5000")}, 'asset-' || n / 5000, n FROM generate_series(1, 20000) AS n`,
  ),
  // An hour of sign-ins with five minutes for each.
  statement(
    "seed.nonces",
    `INSERT INTO nonces (nonce_hash, address, issued_at, expires_at, used_at)
     SELECT sha256(n::text::bytea), ${addressOf("n % 2000")}, now() - n * interval '0.2 seconds',
            now() - n * interval '0.2 seconds' + interval '5 minutes', CASE WHEN n % 3 > 0 THEN now() END
       FROM generate_series(1, 20000) AS n`,
  ),
  statement(
    "seed.writes",
    `INSERT INTO writes (id, kind, outcome, accepted_at, finished_at)
     SELECT ${idOf("n")}, 'users.save', 'done', now() - n * interval '1 minute', now() - n * interval '1 minute'
       FROM generate_series(1, 20000) AS n`,
  ),
  // Index-only scans need the visibility map that VACUUM writes.
  statement("seed.analyze", `VACUUM (ANALYZE) users, sessions, reports, blocks, balances, nonces, writes`),
];

/** Fills the domain's tables with tens of thousands of rows each. */
export async function seed(db: Db): Promise<void> {
  for (const part of seeds) await db.run(part, []);
}
