import { statement } from "@millrace/db";
import { z } from "zod";
import { keysOfReport, keysOfSession, reportStatuses } from "../cache-keys.ts";
import { address, defineWrite, id, textIn, time, type WriteResult } from "../writes/contract.ts";

export const reportWrites = {
  /** Files the report, and marks the call that it is about as reported. */
  "reports.create": defineWrite({
    payload: z.object({
      id: id,
      session_id: id.nullable(),
      reporter: address,
      reported: address,
      category: z.string(),
      details: z.string().nullable(),
      at: time,
    }),
    entityOf: ({ id }) => `reports/${id}`,
    apply: statement<[batch: string], WriteResult>(
      "reports.create_many",
      `WITH input AS (
         SELECT x.*, x.session_id IS NOT NULL AND sessions.id IS NULL AS is_orphan
           FROM jsonb_to_recordset($1::jsonb)
             AS x(n int, id uuid, session_id uuid, reporter address, reported address, category text, details text,
                  at timestamptz)
           LEFT JOIN sessions ON sessions.id = x.session_id
       ), created AS (
         INSERT INTO reports (id, session_id, reporter, reported, category, details, created_at)
         SELECT id, session_id, reporter, reported, category, details, at FROM input WHERE NOT is_orphan
         ON CONFLICT (id) DO NOTHING
         RETURNING *
       ), marked AS (
         UPDATE sessions SET is_reported = true, updated_at = now(), version = version + 1
          WHERE id IN (SELECT session_id FROM created) AND NOT is_reported
         RETURNING *
       )
       SELECT input.n,
              CASE WHEN created.id IS NOT NULL THEN 'done' WHEN is_orphan THEN 'not_found' ELSE 'exists' END AS outcome,
              to_jsonb(created) AS row, to_jsonb(marked) AS related
         FROM input
         LEFT JOIN created USING (id)
         LEFT JOIN marked ON marked.id = created.session_id`,
    ),
    keysOf: (row, session) => [
      ...keysOfReport(textIn(row, "id")),
      ...(session === null
        ? []
        : keysOfSession({
            id: textIn(session, "id"),
            a_addr: textIn(session, "a_addr"),
            b_addr: textIn(session, "b_addr"),
          })),
    ],
  }),

  /** Moves a report on; a closed one can be opened again. */
  "reports.set_status": defineWrite({
    payload: z.object({ id: id, status: z.enum(reportStatuses), at: time }),
    entityOf: ({ id }) => `reports/${id}`,
    apply: statement<[batch: string], WriteResult>(
      "reports.set_status_many",
      `WITH input AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS x(n int, id uuid, status text, at timestamptz, expected bigint)
       ), moved AS (
         UPDATE reports
            SET status = input.status,
                resolved_at = CASE WHEN input.status IN ('resolved', 'dismissed') THEN input.at END,
                version = version + 1
           FROM input
          WHERE reports.id = input.id AND (input.expected IS NULL OR input.expected = version)
         RETURNING reports.*
       )
       SELECT input.n,
              CASE WHEN moved.id IS NOT NULL THEN 'done'
                   WHEN reports.id IS NULL THEN 'not_found'
                   ELSE 'version_conflict' END AS outcome,
              to_jsonb(moved) AS row, NULL AS related
         FROM input
         LEFT JOIN moved USING (id)
         LEFT JOIN reports USING (id)`,
    ),
    keysOf: (row) => keysOfReport(textIn(row, "id")),
  }),
} as const;
