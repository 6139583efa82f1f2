-- Who was told what of an alert, when it was looked at last, and who silenced it and why.
--
-- Locks: ACCESS EXCLUSIVE on alerts for the moment that new columns take; a worker writes there once a minute.

ALTER TABLE alerts
  ADD COLUMN looked_at timestamptz(3),
  ADD COLUMN told_firing boolean NOT NULL DEFAULT false,
  ADD COLUMN last_event_id uuid,
  ADD COLUMN silenced_by text,
  ADD COLUMN silenced_why text;
COMMENT ON COLUMN alerts.looked_at IS 'when it was evaluated last; NULL before the first time';
COMMENT ON COLUMN alerts.told_firing IS 'what those who are told of it believe: that it fires';
COMMENT ON COLUMN alerts.last_event_id IS 'of alert_events: what is still to be told when a silence ends';
COMMENT ON COLUMN alert_deliveries.delivered_at IS 'when it was taken, or, with an error, given up';
COMMENT ON COLUMN alert_deliveries.next_at IS 'when it is due; also how long the process that sends it now has it for itself';

UPDATE alerts SET told_firing = true, looked_at = seen_at WHERE state = 'firing';
COMMENT ON INDEX alert_deliveries_due IS 'serves alert_deliveries.claim';
