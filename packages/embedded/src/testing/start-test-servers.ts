import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { TestServers } from "./test-servers.ts";

export type { TestServers };

/**
 * Starts the servers of a test run, with a migrated template database. They live in a process of their own that
 * stops and removes everything as soon as this process is gone, also when Ctrl-C or `kill -9` ended it.
 * Disposing waits until that is done. `TEST_SERVERS`, `TEST_DATABASE_URL` and `TEST_REDIS_URL` choose others.
 */
export async function startTestServers(): Promise<{ readonly servers: TestServers } & AsyncDisposable> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("./keep-test-servers.ts", import.meta.url))], {
    detached: true,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const servers = await answerOf(child);
  return {
    servers,
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}

async function answerOf(child: ChildProcess): Promise<TestServers> {
  return await new Promise((resolve, reject) => {
    // Sent by keep-test-servers.ts, which is part of this package.
    child.once("message", (message) => resolve(message as TestServers));
    child.once("error", reject);
    child.once("exit", () => reject(new Error("The servers for the tests did not start; the reason is above.")));
  });
}
