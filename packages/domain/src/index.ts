export { type BalanceRow, balanceStatements } from "./balances/balance-statements.ts";
export { type BlockRow, blockStatements } from "./blocks/block-statements.ts";
export { type NonceRow, nonceStatements } from "./nonces/nonce-statements.ts";
export { newest, oldest } from "./page-cursors.ts";
export { type ReportRow, type ReportStatus, reportStatements } from "./reports/report-statements.ts";
export type { SessionRow, SessionState } from "./sessions/session-row.ts";
export { sessionStatements } from "./sessions/session-statements.ts";
export { type UserRow, userStatements } from "./users/user-statements.ts";
