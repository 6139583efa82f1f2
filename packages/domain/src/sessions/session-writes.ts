import { statement } from "@millrace/db";
import { z } from "zod";
import { keysOfSession } from "../cache-keys.ts";
import { address, defineWrite, id, type JsonRow, textIn, time, type WriteResult } from "../writes/contract.ts";

const entityOf = ({ id }: { id: string }): string => `sessions/${id}`;
const keysOf = (row: JsonRow) =>
  keysOfSession({ id: textIn(row, "id"), a_addr: textIn(row, "a_addr"), b_addr: textIn(row, "b_addr") });

/** Each says when it was asked for, so that a write that waited in the queue has the time that its sender saw. */
export const sessionWrites = {
  /** `a_addr` calls `b_addr`; not if either has blocked the other. */
  "sessions.create": defineWrite({
    payload: z.object({ id: id, a_addr: address, b_addr: address, at: time, expires_at: time }),
    entityOf,
    apply: statement<[batch: string], WriteResult>(
      "sessions.create_many",
      `WITH input AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb)
           AS x(n int, id uuid, a_addr address, b_addr address, at timestamptz, expires_at timestamptz)
       ), judged AS (
         SELECT input.*, EXISTS (
                  SELECT FROM blocks
                   WHERE least(blocker, blocked) = least(input.a_addr, input.b_addr)
                     AND greatest(blocker, blocked) = greatest(input.a_addr, input.b_addr)
                     AND (blocks.expires_at IS NULL OR blocks.expires_at > input.at)
                ) AS is_blocked
           FROM input
       ), created AS (
         INSERT INTO sessions (id, a_addr, b_addr, created_at, expires_at)
         SELECT id, a_addr, b_addr, at, expires_at FROM judged WHERE NOT is_blocked
         ON CONFLICT (id) DO NOTHING
         RETURNING *
       )
       SELECT judged.n,
              CASE WHEN created.id IS NOT NULL THEN 'done' WHEN is_blocked THEN 'blocked' ELSE 'exists' END AS outcome,
              to_jsonb(created) AS row, NULL AS related
         FROM judged LEFT JOIN created USING (id)`,
    ),
    keysOf,
  }),

  /** The call was answered; it may now last until `expires_at`. */
  "sessions.start": defineWrite({
    payload: z.object({ id: id, at: time, expires_at: time }),
    entityOf,
    apply: statement<[batch: string], WriteResult>(
      "sessions.start_many",
      `WITH input AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb)
           AS x(n int, id uuid, at timestamptz, expires_at timestamptz, expected bigint)
       ), started AS (
         UPDATE sessions
            SET state = 'active', started_at = greatest(input.at, created_at), expires_at = input.expires_at,
                updated_at = now(), version = version + 1
           FROM input
          WHERE sessions.id = input.id AND state = 'created' AND sessions.expires_at > input.at
            AND (input.expected IS NULL OR input.expected = version)
         RETURNING sessions.*
       )
       SELECT input.n,
              CASE WHEN started.id IS NOT NULL THEN 'done'
                   WHEN sessions.id IS NULL THEN 'not_found'
                   WHEN input.expected <> sessions.version THEN 'version_conflict'
                   ELSE 'wrong_state' END AS outcome,
              to_jsonb(started) AS row, NULL AS related
         FROM input
         LEFT JOIN started USING (id)
         LEFT JOIN sessions USING (id)`,
    ),
    keysOf,
  }),

  "sessions.end": defineWrite({
    payload: z.object({ id: id, at: time, reason: z.string() }),
    entityOf,
    apply: statement<[batch: string], WriteResult>(
      "sessions.end_many",
      `WITH input AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb)
           AS x(n int, id uuid, at timestamptz, reason text, expected bigint)
       ), ended AS (
         UPDATE sessions
            SET state = 'ended', ended_at = greatest(input.at, started_at, created_at), end_reason = input.reason,
                updated_at = now(), version = version + 1
           FROM input
          WHERE sessions.id = input.id AND state <> 'ended'
            AND (input.expected IS NULL OR input.expected = version)
         RETURNING sessions.*
       )
       SELECT input.n,
              CASE WHEN ended.id IS NOT NULL THEN 'done'
                   WHEN sessions.id IS NULL THEN 'not_found'
                   WHEN input.expected <> sessions.version THEN 'version_conflict'
                   ELSE 'wrong_state' END AS outcome,
              to_jsonb(ended) AS row, NULL AS related
         FROM input
         LEFT JOIN ended USING (id)
         LEFT JOIN sessions USING (id)`,
    ),
    keysOf,
  }),
} as const;
