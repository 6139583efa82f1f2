-- What was found about indexes, what was done about it, how to undo it, and whether it helped.
--
-- Locks: none on anything that exists; the table is new. Takes milliseconds.

CREATE TABLE index_actions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  finding_id text NOT NULL,
  kind text NOT NULL,
  finding jsonb NOT NULL,
  state text NOT NULL DEFAULT 'planned',
  requested_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  started_at timestamptz(3),
  ended_at timestamptz(3),
  error text,
  statements_done jsonb NOT NULL DEFAULT '[]',
  mean_before_ms double precision,
  mean_after_ms double precision,
  verdict text
);
COMMENT ON COLUMN index_actions.state IS 'planned, running, done, failed or undone';
COMMENT ON COLUMN index_actions.verdict IS 'helped or did_not_help, once the statements concerned ran often enough again';
COMMENT ON INDEX index_actions_pkey IS 'serves index_actions.get_by_id';

CREATE INDEX index_actions_by_request ON index_actions (requested_at DESC);
COMMENT ON INDEX index_actions_by_request IS 'serves index_actions.list_recent';
