export { BackupError } from "./backup-error.ts";
export { type BackupRecord, listBackups } from "./backup-record.ts";
export { type CreateBackupOptions, createBackup } from "./create-backup.ts";
export { type DrillResult, drillBackup } from "./drill.ts";
export { receiveWal } from "./receive-wal.ts";
export { restoreBackup } from "./restore-backup.ts";
export { findTools } from "./tools.ts";
export { verifyBackup } from "./verify-backup.ts";
