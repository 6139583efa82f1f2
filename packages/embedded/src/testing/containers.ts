import { GenericContainer, type StartedTestContainer, Wait } from "testcontainers";

/** PostgreSQL in a container of its own, with the same trade of safety for speed as a server of ours. */
export async function startPostgresContainer(): Promise<{ url: string } & AsyncDisposable> {
  const container = await new GenericContainer("postgres:18-alpine")
    .withEnvironment({ POSTGRES_PASSWORD: "millrace" })
    .withCommand([
      ...["postgres", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"],
      ...["-c", "max_connections=500", "-c", "shared_preload_libraries=pg_stat_statements"],
    ])
    .withExposedPorts(5432)
    // The image starts the server twice; the first time only to set it up.
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .start();
  return disposable(container, `postgres://postgres:millrace@${placeOf(container, 5432)}/postgres`);
}

export async function startRedisContainer(): Promise<{ url: string } & AsyncDisposable> {
  const container = await new GenericContainer("redis:8-alpine")
    .withCommand(["redis-server", "--save", "", "--maxmemory-policy", "noeviction"])
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .start();
  return disposable(container, `redis://${placeOf(container, 6379)}`);
}

function placeOf(container: StartedTestContainer, port: number): string {
  return `${container.getHost()}:${container.getMappedPort(port)}`;
}

function disposable(container: StartedTestContainer, url: string): { url: string } & AsyncDisposable {
  return {
    url,
    async [Symbol.asyncDispose]() {
      await container.stop();
    },
  };
}
