-- Signs everybody out.
--
-- Locks: ACCESS EXCLUSIVE on the table, which goes away.

DROP TABLE browser_sessions;
