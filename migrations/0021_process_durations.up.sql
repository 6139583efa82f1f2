-- What processes count of themselves may be durations, in the form in which statement_minutes has them.
--
-- Locks: ACCESS EXCLUSIVE on process_minutes for an instant; nothing is rewritten.

-- Buckets end at 220, and a process counts fewer durations in a minute than such a number holds.
-- squawk-ignore prefer-bigint-over-int
ALTER TABLE process_minutes ADD COLUMN durations integer[];
COMMENT ON COLUMN process_minutes.durations IS 'pairs of a bucket of the latency sketch and how many are in it; null for plain counts';
COMMENT ON INDEX process_minutes_pkey IS 'serves process_minutes.sum_since and process_minutes.list_recent';
