import { type Catalogue, differencesBetween, readCatalogue } from "./catalogue.ts";
import { applyUpTo, revertDownTo } from "./migrate.ts";
import { MigrationError } from "./migration-error.ts";
import { type Migration, readMigrations } from "./migration-files.ts";
import { type MigrationSession, type RunnerOptions, withMigrationSession } from "./migration-session.ts";
import { createScratchDatabase } from "./scratch-database.ts";

export interface VerifyMigrationsOptions extends RunnerOptions {
  readonly directory: string;
  /** Ends it between two steps; it then rejects with the signal's reason, and the scratch database is dropped. */
  readonly signal?: AbortSignal;
}

/**
 * Proves, on a scratch database that it creates beside the given one and drops again, that each down
 * takes back what its up did: after each single step, and after going all the way down and up, the
 * catalogue is what it was. Rejects with what differs. The given database is only connected to.
 */
export async function verifyMigrations({
  directory,
  url,
  signal,
  ...runner
}: VerifyMigrationsOptions): Promise<{ verified: string[] }> {
  const migrations = await readMigrations(directory);
  await using scratch = await createScratchDatabase(url);
  const log = (line: string): void => {
    signal?.throwIfAborted();
    runner.log?.(line);
  };
  await withMigrationSession({ ...runner, url: scratch.url, log: () => {} }, async (session) => {
    const catalogues = await verifyEachStep(session, migrations, log);
    await verifyWholeWay(session, migrations, catalogues, log);
  });
  return { verified: migrations.map(({ id }) => id) };
}

/** Up, down and up again, one migration at a time; gives the catalogue at each version. */
async function verifyEachStep(
  session: MigrationSession,
  migrations: readonly Migration[],
  log: (line: string) => void,
): Promise<Catalogue[]> {
  const catalogues = [await readCatalogue(session.db)];
  for (const migration of migrations) {
    const { id, version } = migration;
    const before = catalogues.at(-1) ?? new Map();
    await applyUpTo(session, migrations, version);
    const after = await readCatalogue(session.db);
    await revertDownTo(session, migrations, { to: version - 1, acceptDataLoss: true });
    await expectCatalogue(session, before, `${migration.down.fileName} does not take back what ${id}.up.sql did`);
    await applyUpTo(session, migrations, version);
    await expectCatalogue(session, after, `${id}: up, down, up does not end where the first up did`);
    catalogues.push(after);
    log(`${id}: up, down, up leaves the same catalogue (${after.size} objects)`);
  }
  return catalogues;
}

async function verifyWholeWay(
  session: MigrationSession,
  migrations: readonly Migration[],
  catalogues: readonly Catalogue[],
  log: (line: string) => void,
): Promise<void> {
  for (const [version, expected] of [...catalogues.entries()].slice(0, -1).reverse()) {
    await revertDownTo(session, migrations, { to: version, acceptDataLoss: true });
    await expectCatalogue(
      session,
      expected,
      `Going down to ${version} does not lead to what ${version} was on the way up`,
    );
  }
  for (const [version, expected] of catalogues.entries()) {
    await applyUpTo(session, migrations, version);
    await expectCatalogue(
      session,
      expected,
      `Going up again to ${version} does not lead to what ${version} was at first`,
    );
  }
  log(`all the way down and up again: the same catalogue at each of ${migrations.length} versions`);
}

async function expectCatalogue(session: MigrationSession, expected: Catalogue, otherwise: string): Promise<void> {
  const differences = differencesBetween(expected, await readCatalogue(session.db));
  if (differences.length === 0) return;
  throw new MigrationError(
    "CATALOGUE_DIFFERS",
    `${otherwise} (- as it should be, + as it is):\n${differences.map((line) => `  ${line}`).join("\n")}`,
  );
}
