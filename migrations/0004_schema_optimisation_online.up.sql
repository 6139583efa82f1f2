-- migrate: no-transaction
-- The part of 0003 that takes long on a large table and therefore runs beside its traffic: indexes on the new
-- columns, and the check of old rows against the new rules.
--
-- Locks: SHARE UPDATE EXCLUSIVE on one table at a time, for as long as its index takes to build or its rows to
-- read. Reads and writes go on meanwhile.

CREATE INDEX CONCURRENTLY sessions_by_pair ON sessions (low_addr, high_addr, created_at, id);
COMMENT ON INDEX sessions_by_pair IS 'serves sessions.list_by_pair';

CREATE INDEX CONCURRENTLY sessions_open_by_pair ON sessions (low_addr, high_addr) WHERE state <> 'ended';
COMMENT ON INDEX sessions_open_by_pair IS 'serves sessions.find_open_by_pair';

CREATE INDEX CONCURRENTLY sessions_by_duration ON sessions (duration_seconds, id) WHERE duration_seconds IS NOT NULL;
COMMENT ON INDEX sessions_by_duration IS 'serves sessions.list_longest';

CREATE INDEX CONCURRENTLY sessions_talk_time ON sessions (started_at) INCLUDE (duration_seconds)
  WHERE duration_seconds IS NOT NULL;
COMMENT ON INDEX sessions_talk_time IS 'serves sessions.talk_time_by_day';

ALTER TABLE sessions VALIDATE CONSTRAINT sessions_two_people;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_active_has_start;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_ended_has_end;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_end_after_start;
ALTER TABLE reports VALIDATE CONSTRAINT reports_two_people;
ALTER TABLE reports VALIDATE CONSTRAINT reports_closed_has_time;
ALTER TABLE blocks VALIDATE CONSTRAINT blocks_two_people;
ALTER TABLE nonces VALIDATE CONSTRAINT nonces_expire_after_issue;
