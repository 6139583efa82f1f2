import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { connectPostgres, migrateUp, type Postgres, statement } from "@millrace/db";
import { startPostgres } from "@millrace/embedded";
import { createServerFolder, loadTestConfig } from "@millrace/embedded/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { growthOf } from "../samples/rates.ts";
import { noteEvictions, samplesSince, takeSample } from "../samples/sample.ts";
import { queryFigures } from "./query-analysis.ts";
import { collectServerStatements } from "./server-statements.ts";

const directory = fileURLToPath(new URL("../../../../migrations", import.meta.url));
const resources = new AsyncDisposableStack();
let db: Postgres;
beforeAll(async () => {
  const { path } = resources.use(await createServerFolder());
  const server = resources.use(
    await startPostgres({
      dataDir: join(path, "postgres"),
      durable: false,
      // The fewest that it takes: it soon has to forget some.
      settings: { "pg_stat_statements.max": "100" },
      searchPath: loadTestConfig(process.env).searchPath,
      log: () => {},
    }),
  );
  await migrateUp({ url: server.url, directory });
  db = resources.use(await connectPostgres({ url: server.url, applicationName: "test", minConnections: 0 }));
}, 60_000);
afterAll(() => resources.disposeAsync());

const anHourAgo = (): Date => new Date(Date.now() - 3_600_000);
const command = (text: string) => db.run(statement<[], never>("test.command", text), []);

/** What the job that runs each minute does. */
async function lookAtServer(): Promise<void> {
  const { taken_at } = await takeSample(db);
  expect(await collectServerStatements(db)).toBe(true);
  await noteEvictions(db, taken_at);
}

async function deallocations(): Promise<number> {
  const read = statement<[], { n: number }>("test.dealloc", "SELECT dealloc::int AS n FROM pg_stat_statements_info");
  return (await db.rows(read, []))[0]?.n ?? 0;
}

const evictions = async () => growthOf(await samplesSince(db, anHourAgo()), "statements_evicted_total");

/** Statements that differ by more than their values, so that each is another one to the server. */
async function runManyStatements(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await command(`SELECT ${Array.from({ length: 1 + n }, () => "1").join(", ")}`);
}

test("that the server forgot statements to make room is told, also across a reset, and nothing is counted twice", async () => {
  await lookAtServer();
  const before = await deallocations();
  await runManyStatements(300);
  await lookAtServer();
  const forgotten = (await deallocations()) - before;
  expect(forgotten).toBeGreaterThan(0);
  expect(await evictions()).toBe(forgotten);

  // Forgotten and come anew in between: what it has now is all of its own.
  const figures = await queryFigures(db, anHourAgo());
  for (const { server } of figures) {
    expect(server?.calls ?? 0).toBeGreaterThanOrEqual(0);
    expect(server?.totalMs ?? 0).toBeGreaterThanOrEqual(0);
  }
  const counted = figures.reduce((sum, { server }) => sum + (server?.calls ?? 0), 0);

  await command("SELECT pg_stat_statements_reset()");
  await lookAtServer();
  expect(await deallocations()).toBe(0);
  expect(await evictions()).toBe(forgotten);
  await runManyStatements(300);
  await lookAtServer();
  expect(await evictions()).toBe(forgotten + (await deallocations()));
  const later = (await queryFigures(db, anHourAgo())).reduce((sum, { server }) => sum + (server?.calls ?? 0), 0);
  expect(later).toBeGreaterThan(counted);
  // 300 of them, and what the looking itself takes.
  expect(later - counted).toBeLessThan(300 + 100);
}, 60_000);
