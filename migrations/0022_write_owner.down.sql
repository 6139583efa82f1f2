-- Forgets which key made a write.
--
-- Locks: ACCESS EXCLUSIVE on writes for milliseconds.

ALTER TABLE writes DROP COLUMN key_id;
