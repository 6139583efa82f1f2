-- Which alerts there are, what they did, and to whom that is still to be told; and what each process counts of itself.
--
-- Locks: none on anything that exists; all tables are new. Takes milliseconds.

CREATE TABLE alerts (
  rule text PRIMARY KEY,
  state text NOT NULL,
  since timestamptz(3) NOT NULL,
  value double precision,
  seen_at timestamptz(3) NOT NULL,
  acknowledged_by text,
  acknowledged_at timestamptz(3),
  silenced_until timestamptz(3)
);
COMMENT ON COLUMN alerts.state IS 'ok, pending or firing';
COMMENT ON COLUMN alerts.since IS 'when it came to be in that state';
COMMENT ON COLUMN alerts.seen_at IS 'when there was a value last';
COMMENT ON INDEX alerts_pkey IS 'serves alerts.list';

CREATE TABLE alert_events (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  rule text NOT NULL,
  at timestamptz(3) NOT NULL,
  event text NOT NULL,
  severity text NOT NULL,
  value double precision,
  summary text NOT NULL
);
COMMENT ON COLUMN alert_events.event IS 'firing or resolved';
COMMENT ON INDEX alert_events_pkey IS 'serves alert_events.add';
CREATE INDEX alert_events_by_time ON alert_events (at DESC);
COMMENT ON INDEX alert_events_by_time IS 'serves alert_events.list_recent';

CREATE TABLE alert_deliveries (
  event_id uuid NOT NULL REFERENCES alert_events ON DELETE CASCADE,
  target text NOT NULL,
  attempts bigint NOT NULL DEFAULT 0,
  next_at timestamptz(3) NOT NULL DEFAULT now(),
  delivered_at timestamptz(3),
  error text,
  PRIMARY KEY (event_id, target)
);
COMMENT ON COLUMN alert_deliveries.target IS 'a hash of the webhook: its address may be a secret';
COMMENT ON INDEX alert_deliveries_pkey IS 'serves alert_deliveries.note';
CREATE INDEX alert_deliveries_due ON alert_deliveries (next_at) WHERE delivered_at IS NULL;
COMMENT ON INDEX alert_deliveries_due IS 'serves alert_deliveries.list_due';

CREATE TABLE process_minutes (
  minute timestamptz(0) NOT NULL,
  process text NOT NULL,
  app text NOT NULL,
  figure text NOT NULL,
  count double precision NOT NULL,
  PRIMARY KEY (minute, process, figure)
);
COMMENT ON INDEX process_minutes_pkey IS 'serves process_minutes.sum_since';
