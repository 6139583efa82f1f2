-- Forgets the durations that processes counted; their plain counts stay.
--
-- Locks: ACCESS EXCLUSIVE on process_minutes for an instant.

DELETE FROM process_minutes WHERE durations IS NOT NULL;
ALTER TABLE process_minutes DROP COLUMN durations;
COMMENT ON INDEX process_minutes_pkey IS 'serves process_minutes.sum_since';
