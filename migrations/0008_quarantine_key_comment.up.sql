-- Says what the key of the quarantine is for.
--
-- Locks: SHARE UPDATE EXCLUSIVE on the index for a moment; nobody waits for it.

COMMENT ON INDEX telemetry_events_quarantine_pkey IS 'serves events.quarantine_staged';
