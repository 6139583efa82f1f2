-- What became of each write to the domain: so that one that is queued twice is applied once, and its sender can ask.
--
-- Locks: none on anything that exists; the table is new. Takes milliseconds.

CREATE TABLE writes (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  outcome text NOT NULL,
  detail text,
  row jsonb,
  touched jsonb NOT NULL DEFAULT '[]',
  is_settled boolean NOT NULL DEFAULT false,
  accepted_at timestamptz(3) NOT NULL,
  finished_at timestamptz(3) NOT NULL DEFAULT now()
);
COMMENT ON COLUMN writes.row IS 'as the write left it; null when it changed none';
COMMENT ON COLUMN writes.touched IS 'what is cached of what it changed, to be invalidated again when its job runs again';
COMMENT ON COLUMN writes.is_settled IS 'no process can serve what was there before; until then nobody is told that it is done';
COMMENT ON INDEX writes_pkey IS 'serves writes.get_by_id';

CREATE INDEX writes_finished_at_idx ON writes (finished_at);
COMMENT ON INDEX writes_finished_at_idx IS 'serves writes.delete_finished';
ALTER TABLE writes SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);
