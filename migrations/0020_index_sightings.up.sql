-- Since when each index is there, which PostgreSQL does not tell: a new one has not been used either.
--
-- Locks: none on anything that exists; the table is new. Takes milliseconds.

CREATE TABLE index_sightings (
  index_oid oid PRIMARY KEY,
  first_seen_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON INDEX index_sightings_pkey IS 'serves index_sightings.note';
