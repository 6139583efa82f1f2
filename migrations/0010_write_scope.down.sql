-- Takes the scope `write` away from the keys that have it. A key without another one is revoked.
--
-- Locks: ACCESS EXCLUSIVE on api_keys for milliseconds: there are few keys.

UPDATE api_keys SET scopes = array_remove(scopes, 'write') WHERE 'write' = ANY (scopes) AND cardinality(scopes) > 1;
UPDATE api_keys SET scopes = ARRAY['read'], revoked_at = coalesce(revoked_at, now()) WHERE scopes = ARRAY['write'];
ALTER TABLE api_keys
  DROP CONSTRAINT api_keys_scopes_known,
  ADD CONSTRAINT api_keys_scopes_check
    CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['ingest', 'read', 'admin']);
