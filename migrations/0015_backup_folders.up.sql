-- Which backups there are and how their drills went, for those who cannot see the folder that they are in.
--
-- Locks: none on anything that exists; the table is new. Takes milliseconds.

CREATE TABLE backup_folders (
  directory text PRIMARY KEY,
  looked_at timestamptz(3) NOT NULL,
  backups jsonb NOT NULL,
  drills jsonb NOT NULL
);
COMMENT ON TABLE backup_folders IS 'what was in the folder when it was last looked at; the folder itself is what counts';
COMMENT ON COLUMN backup_folders.backups IS 'the newest first';
COMMENT ON COLUMN backup_folders.drills IS 'the newest first';
COMMENT ON INDEX backup_folders_pkey IS 'serves backup_folders.note';
