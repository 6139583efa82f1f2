-- How far each partition is on its way from the table to an archive.
--
-- Locks: none on anything that exists; the table is new. Takes milliseconds.

CREATE TABLE partition_states (
  parent text NOT NULL,
  partition text NOT NULL,
  settled_at timestamptz(3),
  detaching_since timestamptz(3),
  detach_reason text,
  detached_at timestamptz(3),
  exported_at timestamptz(3),
  export_file text,
  export_sha256 text,
  exported_rows bigint,
  dropped_at timestamptz(3),
  PRIMARY KEY (parent, partition)
);
COMMENT ON COLUMN partition_states.settled_at IS 'its statistics and its visibility map are as they will stay';
COMMENT ON COLUMN partition_states.detaching_since IS 'written before the first step, so that a run that was killed is gone on with';
COMMENT ON INDEX partition_states_pkey IS 'serves partitions.read_states';
