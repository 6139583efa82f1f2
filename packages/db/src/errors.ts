import pg from "pg";

/** SQLSTATE codes that this code base decides on. See PostgreSQL, appendix A. */
export const sqlState = {
  uniqueViolation: "23505",
  checkViolation: "23514",
  duplicateTable: "42P07",
  duplicateDatabase: "42P04",
  undefinedTable: "42P01",
  undefinedFunction: "42883",
  lockNotAvailable: "55P03",
  deadlockDetected: "40P01",
  serializationFailure: "40001",
  queryCanceled: "57014",
} as const;

/** The SQLSTATE of an error that PostgreSQL sent, or `undefined` for any other error. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/**
 * True when the data itself was refused: class 22 (data exception), class 23 (integrity constraint)
 * and 54 (a limit, such as an index row that is too large). Trying the same rows again cannot help.
 */
export function isDataError(error: unknown): boolean {
  const code = sqlStateOf(error);
  return code !== undefined && /^(22|23|54)/.test(code) && !isPartitionMissing(error);
}

/** True when the table has no partition for a row. PostgreSQL says so as a check that has no name. */
export function isPartitionMissing(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === sqlState.checkViolation && error.constraint === undefined;
}

/**
 * True when the statement may succeed if it is simply tried again: the connection was lost or
 * refused, the server is starting or stopping, resources ran out, or a lock or deadlock was lost.
 * Anything PostgreSQL did not say itself (socket errors, time-outs) counts as passing.
 */
export function isPassing(error: unknown): boolean {
  const code = sqlStateOf(error);
  if (code === undefined) return true;
  return /^(08|53|57|58|40|25006)/.test(code) || code === sqlState.lockNotAvailable;
}
