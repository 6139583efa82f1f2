import { startTestServers } from "@millrace/embedded/test-servers";
import type { TestProject } from "vitest/node";

/** Runs once before all tests; what it gives back runs after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = await startTestServers();
  project.provide("testServers", started.servers);
  return async () => await started[Symbol.asyncDispose]();
}
