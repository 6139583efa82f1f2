-- Which key made a write, so that what became of it is told to no other one that may not read.
--
-- Locks: ACCESS EXCLUSIVE on writes for milliseconds; the column has no default and rewrites nothing.

ALTER TABLE writes ADD COLUMN key_id text;
COMMENT ON COLUMN writes.key_id IS 'null for those that were accepted before this was noted';
