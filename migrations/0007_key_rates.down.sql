-- Takes the limits of single keys away.
--
-- Locks: ACCESS EXCLUSIVE on api_keys for a moment.

ALTER TABLE api_keys
  DROP COLUMN events_per_day,
  DROP COLUMN events_per_second;
