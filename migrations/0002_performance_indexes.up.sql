-- migrate: no-transaction
-- One index for each way the application reads its tables; each names the statement it is for.
--
-- Locks: SHARE UPDATE EXCLUSIVE on one table at a time, for as long as its index takes to build.
-- Reads and writes go on meanwhile; VACUUM and other schema changes of that table wait.
--
-- Conditions that are written into a statement (state = 'active') make the index partial, so that it holds only
-- the few rows it is for. The columns after the equalities carry the order of the list and its cursor.

CREATE INDEX CONCURRENTLY users_by_name ON users ((lower(display_name) COLLATE "C"), address);
COMMENT ON INDEX users_by_name IS 'serves users.search_by_name';

CREATE INDEX CONCURRENTLY users_by_creation ON users (created_at, address);
COMMENT ON INDEX users_by_creation IS 'serves users.list_newest';

CREATE INDEX CONCURRENTLY users_by_last_seen ON users (last_seen_at, address);
COMMENT ON INDEX users_by_last_seen IS 'serves users.list_recently_seen';

CREATE INDEX CONCURRENTLY sessions_by_a_addr ON sessions (a_addr, created_at, id);
COMMENT ON INDEX sessions_by_a_addr IS 'serves sessions.list_by_a_addr';

CREATE INDEX CONCURRENTLY sessions_by_b_addr ON sessions (b_addr, created_at, id);
COMMENT ON INDEX sessions_by_b_addr IS 'serves sessions.list_by_b_addr';

CREATE INDEX CONCURRENTLY sessions_active_by_a_addr ON sessions (a_addr, started_at) WHERE state = 'active';
COMMENT ON INDEX sessions_active_by_a_addr IS 'serves sessions.list_active_by_a_addr';

CREATE INDEX CONCURRENTLY sessions_active_by_b_addr ON sessions (b_addr, started_at) WHERE state = 'active';
COMMENT ON INDEX sessions_active_by_b_addr IS 'serves sessions.list_active_by_b_addr';

CREATE INDEX CONCURRENTLY sessions_ringing_by_b_addr ON sessions (b_addr, created_at) WHERE state = 'created';
COMMENT ON INDEX sessions_ringing_by_b_addr IS 'serves sessions.list_ringing_by_b_addr';

CREATE INDEX CONCURRENTLY sessions_by_creation ON sessions (created_at, id);
COMMENT ON INDEX sessions_by_creation IS 'serves sessions.list_recent';

CREATE INDEX CONCURRENTLY sessions_by_state ON sessions (state, created_at, id);
COMMENT ON INDEX sessions_by_state IS 'serves sessions.list_by_state';

CREATE INDEX CONCURRENTLY sessions_reported ON sessions (created_at, id) WHERE is_reported;
COMMENT ON INDEX sessions_reported IS 'serves sessions.list_reported';

CREATE INDEX CONCURRENTLY sessions_by_end ON sessions (ended_at, id) WHERE state = 'ended';
COMMENT ON INDEX sessions_by_end IS 'serves sessions.list_ended_between';

CREATE INDEX CONCURRENTLY sessions_open_by_expiry ON sessions (expires_at) WHERE state <> 'ended';
COMMENT ON INDEX sessions_open_by_expiry IS 'serves sessions.end_expired';

CREATE INDEX CONCURRENTLY reports_by_session ON reports (session_id, created_at);
COMMENT ON INDEX reports_by_session IS 'serves reports.list_by_session';

CREATE INDEX CONCURRENTLY reports_by_reporter ON reports (reporter, created_at, id);
COMMENT ON INDEX reports_by_reporter IS 'serves reports.list_by_reporter';

CREATE INDEX CONCURRENTLY reports_by_reported ON reports (reported, created_at, id);
COMMENT ON INDEX reports_by_reported IS 'serves reports.list_by_reported';

CREATE INDEX CONCURRENTLY reports_by_status ON reports (status, created_at, id);
COMMENT ON INDEX reports_by_status IS 'serves reports.list_by_status';

CREATE INDEX CONCURRENTLY reports_pending ON reports (created_at, id) WHERE status IN ('open', 'reviewing');
COMMENT ON INDEX reports_pending IS 'serves reports.list_pending';

CREATE INDEX CONCURRENTLY reports_counted ON reports (created_at) INCLUDE (category, status);
COMMENT ON INDEX reports_counted IS 'serves reports.count_between';

CREATE INDEX CONCURRENTLY reports_closed ON reports (resolved_at) INCLUDE (created_at) WHERE resolved_at IS NOT NULL;
COMMENT ON INDEX reports_closed IS 'serves reports.time_to_close_between';

CREATE INDEX CONCURRENTLY blocks_by_blocker ON blocks (blocker, created_at, blocked);
COMMENT ON INDEX blocks_by_blocker IS 'serves blocks.list_by_blocker';

CREATE INDEX CONCURRENTLY blocks_by_blocked ON blocks (blocked, created_at, blocker);
COMMENT ON INDEX blocks_by_blocked IS 'serves blocks.list_by_blocked';

CREATE INDEX CONCURRENTLY blocks_by_pair ON blocks (least(blocker, blocked), greatest(blocker, blocked));
COMMENT ON INDEX blocks_by_pair IS 'serves blocks.is_blocked_either_way';

CREATE INDEX CONCURRENTLY blocks_by_creation ON blocks (created_at, blocker, blocked);
COMMENT ON INDEX blocks_by_creation IS 'serves blocks.list_recent';

CREATE INDEX CONCURRENTLY blocks_by_expiry ON blocks (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON INDEX blocks_by_expiry IS 'serves blocks.delete_expired';

CREATE INDEX CONCURRENTLY nonces_by_address ON nonces (address, issued_at);
COMMENT ON INDEX nonces_by_address IS 'serves nonces.count_issued_since';

CREATE INDEX CONCURRENTLY nonces_by_expiry ON nonces (expires_at);
COMMENT ON INDEX nonces_by_expiry IS 'serves nonces.delete_expired';
