-- What the scheduled jobs did, what the database was like each minute, and how each statement did.
--
-- Locks: none on anything that exists; all tables are new. Takes milliseconds.

CREATE TABLE job_runs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  job text NOT NULL,
  queue_job_id text NOT NULL,
  worker text NOT NULL,
  started_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  alive_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz(3),
  outcome text,
  changed jsonb NOT NULL DEFAULT '{}',
  error text
);
COMMENT ON COLUMN job_runs.alive_at IS 'its process says again and again that it is at it; a run that is silent is lost';
COMMENT ON COLUMN job_runs.outcome IS 'done, deferred, failed or lost; null while it is under way';
COMMENT ON INDEX job_runs_pkey IS 'serves job_runs.keep_alive';

-- One run of a job at a time, in the whole fleet.
CREATE UNIQUE INDEX job_runs_under_way ON job_runs (job) WHERE ended_at IS NULL;
COMMENT ON INDEX job_runs_under_way IS 'serves job_runs.begin';
CREATE INDEX job_runs_by_job ON job_runs (job, started_at DESC);
COMMENT ON INDEX job_runs_by_job IS 'serves job_runs.list_by_job';
CREATE INDEX job_runs_by_start ON job_runs (started_at);
COMMENT ON INDEX job_runs_by_start IS 'serves job_runs.delete_old';

CREATE TABLE database_samples (
  taken_at timestamptz(3) PRIMARY KEY,
  sample jsonb NOT NULL
);
COMMENT ON COLUMN database_samples.sample IS 'numbers by name; those that count up do so since the server''s statistics were last reset';
COMMENT ON INDEX database_samples_pkey IS 'serves database_samples.list_since';

-- Each process adds its own minutes, so that the whole fleet can be looked at from any of them.
CREATE TABLE statement_minutes (
  minute timestamptz(0) NOT NULL,
  process text NOT NULL,
  app text NOT NULL,
  statement text NOT NULL,
  calls bigint NOT NULL,
  rows bigint NOT NULL,
  total_ms double precision NOT NULL,
  errors jsonb,
  repeated bigint NOT NULL,
  -- Buckets end at 220, and a process makes fewer calls in a minute than such a number holds.
  -- squawk-ignore prefer-bigint-over-int
  durations integer[] NOT NULL,
  PRIMARY KEY (minute, process, statement)
);
COMMENT ON COLUMN statement_minutes.errors IS 'calls that failed, by SQLSTATE';
COMMENT ON COLUMN statement_minutes.repeated IS 'calls beyond the tenth within one request or job';
COMMENT ON COLUMN statement_minutes.durations IS 'pairs of a bucket of the latency sketch and how many calls are in it';
COMMENT ON INDEX statement_minutes_pkey IS 'serves statement_minutes.sum_since';

-- What pg_stat_statements said last, to tell what came since; it is never reset by us.
CREATE UNLOGGED TABLE server_statement_state (
  user_id oid NOT NULL,
  query_id bigint NOT NULL,
  is_top_level boolean NOT NULL,
  calls bigint NOT NULL,
  rows bigint NOT NULL,
  total_ms double precision NOT NULL,
  blocks_hit bigint NOT NULL,
  blocks_read bigint NOT NULL,
  blocks_temp bigint NOT NULL,
  wal_bytes numeric NOT NULL,
  stats_since timestamptz,
  seen_at timestamptz(3) NOT NULL,
  PRIMARY KEY (user_id, query_id, is_top_level)
);
COMMENT ON INDEX server_statement_state_pkey IS 'serves server_statements.collect';

CREATE TABLE server_statement_minutes (
  minute timestamptz(0) NOT NULL,
  query_id bigint NOT NULL,
  calls bigint NOT NULL,
  rows bigint NOT NULL,
  total_ms double precision NOT NULL,
  blocks_hit bigint NOT NULL,
  blocks_read bigint NOT NULL,
  blocks_temp bigint NOT NULL,
  wal_bytes numeric NOT NULL,
  PRIMARY KEY (minute, query_id)
);
COMMENT ON INDEX server_statement_minutes_pkey IS 'serves server_statements.sum_since';

CREATE TABLE server_statements (
  query_id bigint PRIMARY KEY,
  statement text,
  text text NOT NULL
);
COMMENT ON COLUMN server_statements.statement IS 'its name, when it is one of ours';
COMMENT ON INDEX server_statements_pkey IS 'serves server_statements.name';

CREATE TABLE statement_plans (
  statement text NOT NULL,
  plan_hash text NOT NULL,
  plan jsonb NOT NULL,
  parameters jsonb NOT NULL,
  duration_ms double precision NOT NULL,
  is_slow boolean NOT NULL,
  first_seen_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  last_seen_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  seen bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (statement, plan_hash)
);
COMMENT ON COLUMN statement_plans.parameters IS 'what kind of values the explained call had, not the values';
COMMENT ON COLUMN statement_plans.duration_ms IS 'of the slowest call that was explained';
COMMENT ON INDEX statement_plans_pkey IS 'serves statement_plans.note';
