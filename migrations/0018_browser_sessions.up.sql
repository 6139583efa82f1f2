-- Who is signed in with a browser: a session for each, known by the hash of its token only.
--
-- Locks: none on anything that exists; the table is new. Takes milliseconds.

CREATE TABLE browser_sessions (
  token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
  key_hash bytea NOT NULL CHECK (octet_length(key_hash) = 32),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  expires_at timestamptz(3) NOT NULL
);
COMMENT ON COLUMN browser_sessions.key_hash IS 'that of api_keys, or of the development key, which is in no table';
COMMENT ON INDEX browser_sessions_pkey IS 'serves browser_sessions.find_by_hash';
