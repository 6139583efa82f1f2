-- migrate: no-transaction
-- Locks: SHARE UPDATE EXCLUSIVE on one table at a time; waits for the statements that still use the index.

DROP INDEX CONCURRENTLY nonces_by_expiry;
DROP INDEX CONCURRENTLY nonces_by_address;
DROP INDEX CONCURRENTLY blocks_by_expiry;
DROP INDEX CONCURRENTLY blocks_by_creation;
DROP INDEX CONCURRENTLY blocks_by_pair;
DROP INDEX CONCURRENTLY blocks_by_blocked;
DROP INDEX CONCURRENTLY blocks_by_blocker;
DROP INDEX CONCURRENTLY reports_closed;
DROP INDEX CONCURRENTLY reports_counted;
DROP INDEX CONCURRENTLY reports_pending;
DROP INDEX CONCURRENTLY reports_by_status;
DROP INDEX CONCURRENTLY reports_by_reported;
DROP INDEX CONCURRENTLY reports_by_reporter;
DROP INDEX CONCURRENTLY reports_by_session;
DROP INDEX CONCURRENTLY sessions_open_by_expiry;
DROP INDEX CONCURRENTLY sessions_by_end;
DROP INDEX CONCURRENTLY sessions_reported;
DROP INDEX CONCURRENTLY sessions_by_state;
DROP INDEX CONCURRENTLY sessions_by_creation;
DROP INDEX CONCURRENTLY sessions_ringing_by_b_addr;
DROP INDEX CONCURRENTLY sessions_active_by_b_addr;
DROP INDEX CONCURRENTLY sessions_active_by_a_addr;
DROP INDEX CONCURRENTLY sessions_by_b_addr;
DROP INDEX CONCURRENTLY sessions_by_a_addr;
DROP INDEX CONCURRENTLY users_by_last_seen;
DROP INDEX CONCURRENTLY users_by_creation;
DROP INDEX CONCURRENTLY users_by_name;
