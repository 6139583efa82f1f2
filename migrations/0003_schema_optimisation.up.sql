-- Columns that statements would otherwise compute row by row, storage settings that fit how each table is
-- written, and the rules that tie columns together.
--
-- Locks: ACCESS EXCLUSIVE on sessions while it is rewritten for the stored columns, about a second for each
-- 100,000 rows; on reports, blocks and nonces for milliseconds, because their rules are not checked against old
-- rows before 0004. The storage settings take SHARE UPDATE EXCLUSIVE for milliseconds and act on new pages only.

-- A pair of addresses is the same pair whoever called, and one index answers for both directions.
-- One statement, so that sessions is rewritten once.
ALTER TABLE sessions
  -- squawk-ignore adding-field-with-default
  ADD COLUMN low_addr address GENERATED ALWAYS AS (least(a_addr, b_addr)) STORED,
  -- squawk-ignore adding-field-with-default
  ADD COLUMN high_addr address GENERATED ALWAYS AS (greatest(a_addr, b_addr)) STORED,
  ADD COLUMN duration_seconds double precision
    -- squawk-ignore adding-field-with-default
    GENERATED ALWAYS AS (extract(epoch FROM ended_at - started_at)::double precision) STORED;

ALTER TABLE sessions
  ADD CONSTRAINT sessions_two_people CHECK (a_addr <> b_addr) NOT VALID,
  ADD CONSTRAINT sessions_active_has_start CHECK (state <> 'active' OR started_at IS NOT NULL) NOT VALID,
  ADD CONSTRAINT sessions_ended_has_end CHECK ((state = 'ended') = (ended_at IS NOT NULL)) NOT VALID,
  ADD CONSTRAINT sessions_end_after_start CHECK (ended_at >= started_at) NOT VALID;
ALTER TABLE reports
  ADD CONSTRAINT reports_two_people CHECK (reporter <> reported) NOT VALID,
  ADD CONSTRAINT reports_closed_has_time
    CHECK ((status IN ('resolved', 'dismissed')) = (resolved_at IS NOT NULL)) NOT VALID;
ALTER TABLE blocks
  ADD CONSTRAINT blocks_two_people CHECK (blocker <> blocked) NOT VALID;
ALTER TABLE nonces
  ADD CONSTRAINT nonces_expire_after_issue CHECK (expires_at > issued_at) NOT VALID;

-- Room on each page for the next version of a row: updates that touch no indexed column (a balance, the last use
-- of a key) then stay on their page and leave the indexes alone.
ALTER TABLE balances SET (fillfactor = 70);
ALTER TABLE api_keys SET (fillfactor = 70);
ALTER TABLE users SET (fillfactor = 85);

-- A session is written three times and a nonce is soon deleted: clean up at 2 % dead rows instead of 20 %, and
-- keep the planner's picture of what is open fresh.
ALTER TABLE sessions SET
  (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE nonces SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
