import { postgresUrl, readEnvironment, redisUrl } from "@millrace/runtime";
import { z } from "zod";

const variables = {
  TEST_SERVERS: z
    .enum(["own", "docker"])
    .default("own")
    .describe("own: started here; docker: started by testcontainers"),
  TEST_DATABASE_URL: postgresUrl
    .optional()
    .describe("a PostgreSQL to use instead; the user must be allowed to create databases"),
  TEST_REDIS_URL: redisUrl.optional().describe("a Redis to use instead; keys are prefixed and removed"),
  PATH: z.string().default("").describe("where programs are looked for"),
};

export interface TestConfig {
  readonly kind: "own" | "docker";
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly searchPath: string;
}

export function loadTestConfig(env: Readonly<Record<string, string | undefined>>): TestConfig {
  const { TEST_SERVERS, TEST_DATABASE_URL, TEST_REDIS_URL, PATH } = readEnvironment(env, variables);
  return { kind: TEST_SERVERS, databaseUrl: TEST_DATABASE_URL, redisUrl: TEST_REDIS_URL, searchPath: PATH };
}
