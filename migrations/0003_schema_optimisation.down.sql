-- Locks: ACCESS EXCLUSIVE on sessions, reports, blocks and nonces for milliseconds; SHARE UPDATE EXCLUSIVE on the
-- others. No table is rewritten; the dropped columns were computed and come back with 0003.

ALTER TABLE nonces RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
ALTER TABLE sessions RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
ALTER TABLE users RESET (fillfactor);
ALTER TABLE api_keys RESET (fillfactor);
ALTER TABLE balances RESET (fillfactor);

ALTER TABLE nonces DROP CONSTRAINT nonces_expire_after_issue;
ALTER TABLE blocks DROP CONSTRAINT blocks_two_people;
ALTER TABLE reports
  DROP CONSTRAINT reports_two_people,
  DROP CONSTRAINT reports_closed_has_time;
ALTER TABLE sessions
  DROP CONSTRAINT sessions_two_people,
  DROP CONSTRAINT sessions_active_has_start,
  DROP CONSTRAINT sessions_ended_has_end,
  DROP CONSTRAINT sessions_end_after_start,
  DROP COLUMN low_addr,
  DROP COLUMN high_addr,
  DROP COLUMN duration_seconds;
