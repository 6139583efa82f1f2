import { startTestServers } from "@millrace/embedded/test-servers";
import type { TestProject } from "vitest/node";

/** Runs once before all tests; what it gives back runs after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // When `npm test` is killed nobody waits for the result any more.
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  process.channel?.unref();
  const started = await startTestServers();
  project.provide("testServers", started.servers);
  return async () => await started[Symbol.asyncDispose]();
}
