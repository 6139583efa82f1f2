-- The tables of the application: peer-to-peer calls between wallet addresses, and the telemetry they leave.
--
-- Locks: none on anything that exists; every table here is new. Takes milliseconds.
--
-- An address is an identity of its own. A wallet that never signed in can be called, blocked, reported and
-- hold a balance, so addresses are held to their form and not to a row in users: a key to users would also
-- lock a row of it on every write elsewhere.
--
-- Times are kept to the millisecond, which is what a JavaScript Date holds: a time that was read and is sent
-- back as a cursor or a condition is the same instant. Only telemetry keeps what the clock of its sender gave.

-- Its form will not change, and every column that holds one is checked the same way.
-- Bytewise order costs less to compare and does not move when the C library or ICU is upgraded.
CREATE DOMAIN address AS text COLLATE "C"
  -- squawk-ignore ban-create-domain-with-constraint
  CONSTRAINT address_is_lower_case_hex CHECK (VALUE ~ '^0x[0-9a-f]{40}$');

CREATE TABLE users (
  address address PRIMARY KEY,
  display_name text CHECK (length(display_name) BETWEEN 1 AND 200),
  profile jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(profile) = 'object'),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  last_seen_at timestamptz(3) NOT NULL DEFAULT now(),
  version bigint NOT NULL DEFAULT 1
);
COMMENT ON COLUMN users.version IS 'grows by one with every edit; the entity tag clients send back in If-Match';
COMMENT ON INDEX users_pkey IS 'serves users.get_by_address';

CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  a_addr address NOT NULL,
  b_addr address NOT NULL,
  state text NOT NULL DEFAULT 'created' CHECK (state IN ('created', 'active', 'ended')),
  is_reported boolean NOT NULL DEFAULT false,
  end_reason text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  started_at timestamptz(3),
  ended_at timestamptz(3),
  expires_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  version bigint NOT NULL DEFAULT 1
);
COMMENT ON COLUMN sessions.a_addr IS 'who called';
COMMENT ON COLUMN sessions.b_addr IS 'who was called';
COMMENT ON COLUMN sessions.expires_at IS 'a session that is still open by then is ended for its participants';
COMMENT ON INDEX sessions_pkey IS 'serves sessions.get_by_id';

CREATE TABLE reports (
  id uuid PRIMARY KEY,
  session_id uuid REFERENCES sessions (id) ON DELETE SET NULL,
  reporter address NOT NULL,
  reported address NOT NULL,
  category text NOT NULL,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'reviewing', 'resolved', 'dismissed')),
  details text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  resolved_at timestamptz(3),
  version bigint NOT NULL DEFAULT 1
);
COMMENT ON COLUMN reports.session_id IS 'null when the report is about no call, or outlived it';
COMMENT ON INDEX reports_pkey IS 'serves reports.get_by_id';

CREATE TABLE blocks (
  blocker address NOT NULL,
  blocked address NOT NULL,
  reason text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  expires_at timestamptz(3),
  PRIMARY KEY (blocker, blocked) INCLUDE (expires_at)
);
COMMENT ON COLUMN blocks.expires_at IS 'null: until it is removed';
COMMENT ON INDEX blocks_pkey IS 'serves blocks.is_blocked';

CREATE TABLE balances (
  address address NOT NULL,
  asset text COLLATE "C" NOT NULL,
  amount numeric(78, 0) NOT NULL CHECK (amount >= 0),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  version bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (address, asset)
);
COMMENT ON COLUMN balances.amount IS 'in the smallest unit of the asset; 78 digits hold a uint256';
COMMENT ON COLUMN balances.updated_at IS 'when the balance was observed; an older observation never replaces a newer one';
COMMENT ON INDEX balances_pkey IS 'serves balances.list_by_address';

CREATE TABLE nonces (
  nonce_hash bytea PRIMARY KEY CHECK (octet_length(nonce_hash) = 32),
  address address NOT NULL,
  issued_at timestamptz(3) NOT NULL DEFAULT now(),
  expires_at timestamptz(3) NOT NULL,
  used_at timestamptz(3)
);
COMMENT ON COLUMN nonces.nonce_hash IS 'SHA-256 of the nonce, so that reading this table signs nobody in';
COMMENT ON INDEX nonces_pkey IS 'serves nonces.consume';

-- The order of these columns is the order of the rows that workers COPY.
CREATE TABLE telemetry_events (
  id text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  subject text COLLATE "C",
  time timestamptz NOT NULL,
  data jsonb,
  extensions jsonb,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id, source, time)
);
COMMENT ON COLUMN telemetry_events.extensions IS 'further CloudEvents attributes';
COMMENT ON INDEX telemetry_events_pkey IS 'serves events.get_by_id';

CREATE TABLE api_keys (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL,
  key_hash bytea NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
  prefix text NOT NULL,
  scopes text[] NOT NULL CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['ingest', 'read', 'admin']),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  last_used_at timestamptz(3),
  revoked_at timestamptz(3),
  expires_at timestamptz(3)
);
COMMENT ON COLUMN api_keys.key_hash IS 'SHA-256 of the key; the key itself is shown once and kept nowhere';
COMMENT ON COLUMN api_keys.prefix IS 'the first characters of the key, for people to tell keys apart';
COMMENT ON INDEX api_keys_pkey IS 'serves api_keys.note_use';
COMMENT ON INDEX api_keys_key_hash_key IS 'serves api_keys.find_by_hash';
