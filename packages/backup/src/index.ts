export { BackupError } from "./backup-error.ts";
export { listBackups } from "./backup-record.ts";
export { createBackup } from "./create-backup.ts";
export { type DrillResult, drillBackup, failuresOf } from "./drill.ts";
export { receiveWal } from "./receive-wal.ts";
export { type RestoreTarget, restoreBackup } from "./restore-backup.ts";
export { tellOfBackups } from "./tell-of-backups.ts";
export { findTools } from "./tools.ts";
export { verifyBackup } from "./verify-backup.ts";
