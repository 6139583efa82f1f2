-- migrate: no-transaction
-- Locks: SHARE UPDATE EXCLUSIVE on sessions while it drops the indexes; ACCESS EXCLUSIVE on one table at a time for
-- milliseconds to put its rules back to the state in which 0003 left them.

DROP INDEX CONCURRENTLY sessions_talk_time;
DROP INDEX CONCURRENTLY sessions_by_duration;
DROP INDEX CONCURRENTLY sessions_open_by_pair;
DROP INDEX CONCURRENTLY sessions_by_pair;

ALTER TABLE sessions
  DROP CONSTRAINT sessions_two_people,
  DROP CONSTRAINT sessions_active_has_start,
  DROP CONSTRAINT sessions_ended_has_end,
  DROP CONSTRAINT sessions_end_after_start,
  ADD CONSTRAINT sessions_two_people CHECK (a_addr <> b_addr) NOT VALID,
  ADD CONSTRAINT sessions_active_has_start CHECK (state <> 'active' OR started_at IS NOT NULL) NOT VALID,
  ADD CONSTRAINT sessions_ended_has_end CHECK ((state = 'ended') = (ended_at IS NOT NULL)) NOT VALID,
  ADD CONSTRAINT sessions_end_after_start CHECK (ended_at >= started_at) NOT VALID;
ALTER TABLE reports
  DROP CONSTRAINT reports_two_people,
  DROP CONSTRAINT reports_closed_has_time,
  ADD CONSTRAINT reports_two_people CHECK (reporter <> reported) NOT VALID,
  ADD CONSTRAINT reports_closed_has_time
    CHECK ((status IN ('resolved', 'dismissed')) = (resolved_at IS NOT NULL)) NOT VALID;
ALTER TABLE blocks
  DROP CONSTRAINT blocks_two_people,
  ADD CONSTRAINT blocks_two_people CHECK (blocker <> blocked) NOT VALID;
ALTER TABLE nonces
  DROP CONSTRAINT nonces_expire_after_issue,
  ADD CONSTRAINT nonces_expire_after_issue CHECK (expires_at > issued_at) NOT VALID;
