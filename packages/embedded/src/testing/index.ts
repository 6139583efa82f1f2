export { freePort } from "../ports.ts";
export { loadTestConfig } from "./config.ts";
export { hasPgbouncer, startPgbouncer } from "./pgbouncer.ts";
export { startTestRedisCluster, type TestRedisCluster } from "./redis-cluster.ts";
export { createServerFolder } from "./server-folder.ts";
export { findServerTools, startToolServer, type ToolServer } from "./server-tools.ts";
export { createTestDatabase, type TestDatabase } from "./test-database.ts";
export { createTestRedis, type TestRedis } from "./test-redis.ts";
export { openWay, type Way } from "./way.ts";
