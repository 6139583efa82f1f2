-- Forgets the records of upkeep.
--
-- Locks: ACCESS EXCLUSIVE on these tables, which go away.

DROP TABLE statement_plans;
DROP TABLE server_statements;
DROP TABLE server_statement_minutes;
DROP TABLE server_statement_state;
DROP TABLE statement_minutes;
DROP TABLE database_samples;
DROP TABLE job_runs;
