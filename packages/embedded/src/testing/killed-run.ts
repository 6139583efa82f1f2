import { startServers } from "../start-servers.ts";

// Stands for an `npm start` that a test kills: starts both servers, says where they are, and stays.
const [dataDir = "", searchPath = ""] = process.argv.slice(2);
const { databaseUrl, queueRedisUrl } = await startServers({
  databaseUrl: undefined,
  queueRedisUrl: undefined,
  cacheRedisUrl: undefined,
  dataDir,
  searchPath,
  log: () => {},
});
process.send?.({ databaseUrl, queueRedisUrl });
