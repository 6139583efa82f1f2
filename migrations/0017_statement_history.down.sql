-- Locks: ACCESS EXCLUSIVE on server_statements for a moment.

DROP TABLE statement_plan_changes;
ALTER TABLE server_statements DROP COLUMN seen_on;
