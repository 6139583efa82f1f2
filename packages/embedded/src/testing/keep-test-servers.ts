import { once } from "node:events";
import process from "node:process";
import { loadTestConfig } from "./config.ts";
import { openTestServers } from "./open-test-servers.ts";
import { openTemplateDatabase } from "./template-database.ts";

// Runs as a child of the test run and outlives its end, however that comes, by as long as cleaning up takes.
const parentGone = once(process, "disconnect");
process.on("SIGINT", () => {});
process.on("SIGTERM", () => process.disconnect?.());

try {
  await using servers = await openTestServers(loadTestConfig(process.env));
  await using template = await openTemplateDatabase(servers.databaseUrl);
  const { databaseUrl, redisUrl } = servers;
  if (process.connected) process.send?.({ databaseUrl, redisUrl, templateDatabase: template.name });
  await parentGone;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  if (process.connected) process.disconnect();
}
