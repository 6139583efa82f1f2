export { freePort } from "../ports.ts";
export { loadTestConfig } from "./config.ts";
export { startTestRedisCluster, type TestRedisCluster } from "./redis-cluster.ts";
export { createServerFolder } from "./server-folder.ts";
export { createTestDatabase, type TestDatabase } from "./test-database.ts";
export { createTestRedis, type TestRedis } from "./test-redis.ts";
export { openWay, type Way } from "./way.ts";
