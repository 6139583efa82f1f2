export { type BalanceRow, balanceStatements } from "./balances/balance-statements.ts";
export { type BlockRow, blockStatements } from "./blocks/block-statements.ts";
export {
  type CachedKey,
  type CachedNamespace,
  cachedForms,
  cacheKeys,
  keysOfSession,
  reportPeriods,
  reportStatuses,
  type SessionList,
} from "./cache-keys.ts";
export { type NonceRow, nonceStatements } from "./nonces/nonce-statements.ts";
export { newest, oldest } from "./page-cursors.ts";
export { type ReportRow, type ReportStatus, reportStatements } from "./reports/report-statements.ts";
export type { SessionRow, SessionState } from "./sessions/session-row.ts";
export { sessionStatements } from "./sessions/session-statements.ts";
export { type UserRow, userStatements } from "./users/user-statements.ts";
export { contractOf, type WriteInput, type WriteKind } from "./writes/catalogue.ts";
export { type JsonRow, type Outcome, outcomes, type WriteResult } from "./writes/contract.ts";
export { type NewWrite, textOfWrite, type WaitingWrite, writeIn } from "./writes/write.ts";
export { type WriteRow, writeStatements } from "./writes/write-statements.ts";
