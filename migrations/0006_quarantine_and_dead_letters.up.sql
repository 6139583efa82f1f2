-- Where events go that cannot be in telemetry_events, so that none is lost silently.
--
-- Locks: none on anything that exists; both tables are new. Takes milliseconds.

-- Sound events whose time is outside what is accepted: one wrong clock must not make a partition of its own.
-- The first columns are those of telemetry_events in the same order, so that the same COPY fills both.
CREATE TABLE telemetry_events_quarantine (
  id text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  subject text COLLATE "C",
  time timestamptz NOT NULL,
  data jsonb,
  extensions jsonb,
  received_at timestamptz NOT NULL DEFAULT now(),
  reason text NOT NULL,
  PRIMARY KEY (id, source, time)
);
COMMENT ON INDEX telemetry_events_quarantine_pkey IS 'serves quarantine.get_by_id';

CREATE INDEX telemetry_events_quarantine_by_receipt ON telemetry_events_quarantine (received_at, id);
COMMENT ON INDEX telemetry_events_quarantine_by_receipt IS 'serves quarantine.list_recent';

-- What the database itself refused, as it was sent.
CREATE TABLE dead_letters (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  queue text NOT NULL,
  job_name text NOT NULL,
  reason_code text NOT NULL,
  sqlstate text,
  message text NOT NULL,
  payload text NOT NULL,
  -- A handful at most, and a number in JavaScript, where a bigint arrives as text.
  -- squawk-ignore prefer-bigint-over-int
  attempts integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  redriven_at timestamptz(3)
);
COMMENT ON COLUMN dead_letters.id IS 'a writer that may run twice derives it from the job and the row, so that the letter is kept once';
COMMENT ON COLUMN dead_letters.payload IS 'what was refused, in its escaped form';
COMMENT ON INDEX dead_letters_pkey IS 'serves dead_letters.get_by_id';

CREATE INDEX dead_letters_by_creation ON dead_letters (created_at, id);
COMMENT ON INDEX dead_letters_by_creation IS 'serves dead_letters.list_recent';

CREATE INDEX dead_letters_waiting ON dead_letters (queue, created_at, id) WHERE redriven_at IS NULL;
COMMENT ON INDEX dead_letters_waiting IS 'serves dead_letters.list_waiting';
