-- Partitions telemetry_events by month (UTC) of its time, and gives it all of its indexes.
--
-- Locks: ACCESS EXCLUSIVE on telemetry_events while its rows are copied and indexed, about a second for each 100,000
-- rows; nothing is locked for long where there are none yet. Needs as much free disk as the table takes.
--
-- There is no DEFAULT partition: it would be scanned under lock at each ATTACH, it forbids DETACH CONCURRENTLY, and
-- rows that end up in it are in nobody's month. Months without rows get their partition when they are needed.

-- In a schema of its own the old table keeps its names for indexes and constraints out of the way of the new one's.
CREATE SCHEMA telemetry_before_partitions;
ALTER TABLE telemetry_events SET SCHEMA telemetry_before_partitions;

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
) PARTITION BY RANGE (time);
COMMENT ON COLUMN telemetry_events.extensions IS 'further CloudEvents attributes';

DO $$
DECLARE
  month timestamp;
BEGIN
  FOR month IN
    SELECT DISTINCT date_trunc('month', time AT TIME ZONE 'UTC') FROM telemetry_before_partitions.telemetry_events
  LOOP
    EXECUTE format(
      'CREATE TABLE %I PARTITION OF telemetry_events FOR VALUES FROM (%L) TO (%L)',
      to_char(month, '"telemetry_events_y"YYYY"m"MM'),
      month AT TIME ZONE 'UTC',
      (month + interval '1 month') AT TIME ZONE 'UTC'
    );
  END LOOP;
END
$$;

INSERT INTO telemetry_events (id, source, type, subject, time, data, extensions, received_at)
  SELECT id, source, type, subject, time, data, extensions, received_at
    FROM telemetry_before_partitions.telemetry_events;
-- Its rows are in the new table, and no one can have used it since this transaction locked it.
-- squawk-ignore ban-drop-table
DROP TABLE telemetry_before_partitions.telemetry_events;
DROP SCHEMA telemetry_before_partitions;

-- The indexes. Each costs every accepted event some of its rate, so this list is short on purpose.

-- Keeps an event once, and finds it by its id.
COMMENT ON INDEX telemetry_events_pkey IS 'serves events.get_by_id';

CREATE INDEX telemetry_events_by_time ON telemetry_events (time, id);
COMMENT ON INDEX telemetry_events_by_time IS 'serves events.list_recent';

CREATE INDEX telemetry_events_by_type ON telemetry_events (type, time);
COMMENT ON INDEX telemetry_events_by_type IS 'serves events.list_by_type';

CREATE INDEX telemetry_events_by_source ON telemetry_events (source, time);
COMMENT ON INDEX telemetry_events_by_source IS 'serves events.list_by_source';

CREATE INDEX telemetry_events_by_subject ON telemetry_events (subject, time) WHERE subject IS NOT NULL;
COMMENT ON INDEX telemetry_events_by_subject IS 'serves events.list_by_subject';

CREATE INDEX telemetry_events_by_data ON telemetry_events USING gin (data jsonb_path_ops)
  WITH (fastupdate = on, gin_pending_list_limit = 65536);
COMMENT ON INDEX telemetry_events_by_data IS 'serves events.list_by_data';
