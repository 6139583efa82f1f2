-- How many events a key may send, where the API's own limits for all keys are not what it should have.
--
-- Locks: ACCESS EXCLUSIVE on api_keys for the moment that new nullable columns take; keys are cached meanwhile.

ALTER TABLE api_keys
  ADD COLUMN events_per_second bigint CHECK (events_per_second > 0),
  ADD COLUMN events_per_day bigint CHECK (events_per_day > 0);
COMMENT ON COLUMN api_keys.events_per_second IS 'over ten seconds; NULL for the limit of all keys';
COMMENT ON COLUMN api_keys.events_per_day IS 'of a day in UTC; NULL for the limit of all keys';
