import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs } from "@millrace/runtime";
import type { Postgres } from "../connect.ts";
import type { Db } from "../db.ts";
import { sqlState, sqlStateOf } from "../errors.ts";
import { statement } from "../statement.ts";

export interface LockPatience {
  /** For how long a lock is waited for at a time. Default: 500 ms. */
  readonly lockTimeoutMs?: number;
  /** How often it is tried. Default: 8. */
  readonly tries?: number;
  readonly statementTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const command = (name: string, text: string) => statement<[], never>(`partitions.${name}`, text);

/**
 * Runs `work` on a connection of its own, outside any transaction. It waits for locks only briefly at a time, since
 * whoever comes after a waiting lock waits too; rejects with SQLSTATE 55P03 when one was not to be had in all tries.
 */
export async function withLockRetries<T>(
  db: Postgres,
  { lockTimeoutMs = 500, tries = 8, statementTimeoutMs, signal }: LockPatience,
  work: (connection: Db) => Promise<T>,
): Promise<T> {
  return await db.withConnection(async (connection) => {
    await connection.run(command("set_lock_timeout", `SET lock_timeout = ${Math.ceil(lockTimeoutMs)}`), []);
    const timeout = `SET statement_timeout = ${Math.ceil(statementTimeoutMs)}`;
    await connection.run(command("set_statement_timeout", timeout), []);
    try {
      for (let attempt = 0; ; attempt += 1) {
        try {
          return await work(connection);
        } catch (error) {
          const isLock = [sqlState.lockNotAvailable, sqlState.deadlockDetected].some(
            (code) => code === sqlStateOf(error),
          );
          if (!isLock || attempt + 1 >= tries || signal?.aborted === true) throw error;
          await sleep(backoffMs({ baseMs: 50, maxMs: 2_000 }, attempt), undefined, signal && { signal });
        }
      }
    } finally {
      for (const name of ["lock_timeout", "statement_timeout"]) {
        await connection.run(command("reset_timeout", `RESET ${name}`), []).catch(() => {}); // the connection is lost
      }
    }
  });
}
