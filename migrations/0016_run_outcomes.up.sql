-- Runs that were due while another was under way are recorded as well.
--
-- Locks: SHARE UPDATE EXCLUSIVE on job_runs for the moment of the comment.

COMMENT ON COLUMN job_runs.outcome IS 'done, deferred, failed, lost, or skipped because another was under way; null while it is under way';
