-- Forgets what became of writes.
--
-- Locks: ACCESS EXCLUSIVE on writes, which goes away.

DROP TABLE writes;
