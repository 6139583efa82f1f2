-- Locks: SHARE UPDATE EXCLUSIVE on job_runs for the moment of the comment.

COMMENT ON COLUMN job_runs.outcome IS 'done, deferred, failed or lost; null while it is under way';
