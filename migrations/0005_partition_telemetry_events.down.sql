-- Puts the rows of all partitions back into one plain table.
--
-- Locks: ACCESS EXCLUSIVE on telemetry_events while its rows are copied twice, about a second for each 200,000 rows.
-- The copy in between leaves every name free for the plain table. Partitions that were detached are left alone.

LOCK TABLE telemetry_events IN ACCESS EXCLUSIVE MODE;
CREATE TEMPORARY TABLE kept_telemetry_events ON COMMIT DROP AS
  SELECT id, source, type, subject, time, data, extensions, received_at FROM telemetry_events;
DROP TABLE telemetry_events;

CREATE TABLE telemetry_events (
  id text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  subject text COLLATE "C",
  time timestamptz NOT NULL,
  data jsonb,
  extensions jsonb,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id, source, time)
);
COMMENT ON COLUMN telemetry_events.extensions IS 'further CloudEvents attributes';
COMMENT ON INDEX telemetry_events_pkey IS 'serves events.get_by_id';

INSERT INTO telemetry_events (id, source, type, subject, time, data, extensions, received_at)
  SELECT id, source, type, subject, time, data, extensions, received_at FROM kept_telemetry_events;
