-- Takes back what the key of the quarantine is said to be for.
--
-- Locks: SHARE UPDATE EXCLUSIVE on the index for a moment; nobody waits for it.

COMMENT ON INDEX telemetry_events_quarantine_pkey IS 'serves quarantine.get_by_id';
