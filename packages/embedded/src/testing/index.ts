export { freePort } from "../ports.ts";
export { loadTestConfig } from "./config.ts";
export { createTestDatabase, type TestDatabase } from "./test-database.ts";
export { createTestRedis, type TestRedis } from "./test-redis.ts";
