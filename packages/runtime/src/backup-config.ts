import { z } from "zod";

/** Where backups are, for the command that makes them and the worker that tries to restore them. */
export const backupVariables = {
  BACKUP_DIR: z.string().optional().describe("where backups are kept"),
  PG_BIN: z.string().optional().describe("the folder of PostgreSQL's programs, when they are not on PATH"),
};
