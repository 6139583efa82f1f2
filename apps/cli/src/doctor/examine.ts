import process from "node:process";
import { findTools } from "@millrace/backup";
import { connectPostgres, type Postgres } from "@millrace/db";
import { isLoopback } from "@millrace/runtime";
import type { loadDoctorConfig, loadDoctorNeeds } from "../config.ts";
import { checkConfiguration } from "./check-configuration.ts";
import { checkMachine } from "./check-machine.ts";
import { checkPostgres } from "./check-postgres.ts";
import { checkRedis } from "./check-redis.ts";
import { checkSchema } from "./check-schema.ts";
import { type Finding, findingsOf, textOf } from "./finding.ts";
import { doctorStatements } from "./postgres-statements.ts";

type Needs = Awaited<ReturnType<typeof loadDoctorConfig>> & ReturnType<typeof loadDoctorNeeds>;

/** Looks at everything; what is away is told of, and the rest is looked at. `now` is our clock, in milliseconds. */
export async function examine(needs: Needs, now: () => number = Date.now): Promise<Finding[]> {
  const [configuration, machine, redis] = await Promise.all([
    attempted("configuration", () => checkConfiguration({ ...needs, env: needs.effective })),
    attempted("machine", () => checkMachine({ ...needs, nodeVersion: process.version, port: portOf(needs) })),
    checkRedis({ ...needs, now }),
  ]);
  const { apis, workers } = redis.processes ?? { apis: 0, workers: 0 };
  const processes = { apis: Math.max(1, apis), workers: Math.max(1, workers) };
  const database = await examineDatabase(needs, processes, now);
  return [...configuration, ...machine, ...database, ...redis.findings];
}

/** `npm start` gives its API a key while nobody else can reach it. */
function hasKeyOfItsOwn({ hasDevelopmentKey, startedApi }: Needs): boolean {
  return hasDevelopmentKey || (startedApi !== undefined && isLoopback(new URL(startedApi).hostname));
}

/** That of the API that `npm start` runs, unless another was asked for. */
function portOf({ port, startedApi }: Needs): number | undefined {
  return port ?? (startedApi === undefined ? undefined : Number(new URL(startedApi).port));
}

async function examineDatabase(
  needs: Needs,
  processes: { readonly apis: number; readonly workers: number },
  now: () => number,
): Promise<Finding[]> {
  const { fail, ok } = findingsOf("postgresql");
  const { databaseUrl: url } = needs;
  if (url === undefined) return [fail("connection", "no PostgreSQL is named", "Set DATABASE_URL, or run npm start")];
  let db: Postgres;
  try {
    db = await connectPostgres({
      url,
      applicationName: "millrace-doctor",
      maxConnections: 2,
      minConnections: 0,
      connectTimeoutMs: 3_000,
      queryTimeoutMs: 10_000,
      statementTimeoutMs: 0, // a pooler refuses who asks for it
      onIdleError: () => {},
    });
  } catch (error) {
    const mend = "Start it, or mend DATABASE_URL; docs/runbooks/database-down.md";
    return [fail("connection", `${textOf(error)}; what needs it was not looked at`, mend)];
  }
  await using opened = db;
  return [
    ok("connection", "it answers"),
    ...(needs.pooledUrl === undefined ? [] : [await checkPooler(needs.pooledUrl)]),
    ...(await attempted("postgresql", () => checkPostgres({ ...needs, ...processes, db: opened, now }))),
    ...(await attempted("schema", () =>
      checkSchema({ ...needs, db: opened, url, hasDevelopmentKey: hasKeyOfItsOwn(needs) }),
    )),
    ...(await attempted("backup", () => checkTools(needs, opened))),
  ];
}

/** What requests and jobs go through, while upkeep has a way of its own. */
async function checkPooler(url: string): Promise<Finding> {
  const { ok, fail } = findingsOf("postgresql");
  const options = {
    url,
    applicationName: "millrace-doctor",
    maxConnections: 1,
    minConnections: 0,
    statementTimeoutMs: 0,
  };
  try {
    await using _ = await connectPostgres({ ...options, connectTimeoutMs: 3_000 });
    return ok("pooler", "it answers too");
  } catch (error) {
    return fail("pooler", textOf(error), "Start it, or mend DATABASE_URL; DATABASE_DIRECT_URL is well");
  }
}

async function checkTools({ backupDir, bin, searchPath }: Needs, db: Postgres): Promise<Finding[]> {
  const { ok, warn, fail } = findingsOf("backup");
  const [server] = await db.rows(doctorStatements.server, []);
  const major = Math.floor((server?.version_number ?? 0) / 10_000);
  try {
    return [ok("tools", `of PostgreSQL ${major} in ${(await findTools(major, searchPath, bin)).bin}`)];
  } catch (error) {
    const mend = `apt-get install postgresql-${major}, or name their folder in PG_BIN`;
    // What it says to do comes after that.
    const [detail = ""] = textOf(error).split(". ");
    return [
      backupDir === undefined
        ? warn("tools", `${detail} (needed for backups only)`, mend)
        : fail("tools", detail, mend),
    ];
  }
}

/** A check that failed in a way it did not expect is a finding too, and does not keep the others from being made. */
async function attempted(area: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    const mend = "See whether the role may read what this looks at, and whether the server is well";
    return [findingsOf(area).fail("check", `it could not be made: ${textOf(error)}`, mend)];
  }
}
