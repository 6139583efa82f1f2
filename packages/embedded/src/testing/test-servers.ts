/** The servers that the tests of one run share. Vitest hands this to every worker. */
export interface TestServers {
  /** A database of the server whose user may create others. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** The database with all migrations applied that each test's own is a copy of. */
  readonly templateDatabase: string;
}

declare module "vitest" {
  interface ProvidedContext {
    testServers: TestServers;
  }
}
