-- Writes to the domain have a scope of their own.
--
-- Locks: ACCESS EXCLUSIVE on api_keys for a moment. Rows that are there are not checked against the new rule, which
-- only allows more than the old one did.

ALTER TABLE api_keys
  DROP CONSTRAINT api_keys_scopes_check,
  ADD CONSTRAINT api_keys_scopes_known
    CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['ingest', 'write', 'read', 'admin']) NOT VALID;
