-- Forgets which backups there are; a worker that sees the folder finds them again.
--
-- Locks: ACCESS EXCLUSIVE on backup_folders, which goes away.

DROP TABLE backup_folders;
