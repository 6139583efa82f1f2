-- Forgets who was told what of an alert, and who silenced it and why.
--
-- Locks: ACCESS EXCLUSIVE on alerts for a moment.

ALTER TABLE alerts
  DROP COLUMN silenced_why,
  DROP COLUMN silenced_by,
  DROP COLUMN last_event_id,
  DROP COLUMN told_firing,
  DROP COLUMN looked_at;
COMMENT ON INDEX alert_deliveries_due IS 'serves alert_deliveries.list_due';
COMMENT ON COLUMN alert_deliveries.delivered_at IS NULL;
COMMENT ON COLUMN alert_deliveries.next_at IS NULL;
