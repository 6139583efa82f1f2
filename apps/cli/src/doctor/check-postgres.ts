import type { Db } from "@millrace/db";
import { type Area, type Finding, findingsOf, skewFinding, textOf } from "./finding.ts";
import { type ServerRow, doctorStatements as sql } from "./postgres-statements.ts";

export interface PostgresNeeds {
  readonly db: Db;
  /** The most connections of one process. */
  readonly poolMax: number;
  /** How many processes there are, or at least would be. */
  readonly apis: number;
  readonly workers: number;
  readonly now: () => number;
}

const area = findingsOf("postgresql");

/** Version, settings, clock and rights of the server that answers. */
export async function checkPostgres({ db, poolMax, apis, workers, now }: PostgresNeeds): Promise<Finding[]> {
  const before = now();
  const [server] = await db.rows(sql.server, []);
  const after = now();
  if (server === undefined) throw new Error("SELECT without FROM gave no row");
  return [
    versionFinding(server),
    skewFinding(area, (before + after) / 2 - server.now_ms, (after - before) / 2),
    ...settingFindings(area, server),
    roomFinding(server, poolMax, apis, workers),
    ...(await rightsFindings(db)),
  ];
}

function versionFinding({ version, version_number, is_standby }: ServerRow): Finding {
  const { ok, warn, fail } = area;
  if (is_standby) {
    return fail(
      "version",
      `PostgreSQL ${version}, a standby`,
      "Give the primary in DATABASE_URL; standbys go into DATABASE_REPLICA_URLS",
    );
  }
  if (version_number < 140_000)
    return fail(
      "version",
      `PostgreSQL ${version}`,
      "Upgrade to 18; 14 is the oldest that can detach a partition without locking",
    );
  if (version_number < 170_000)
    return warn("version", `PostgreSQL ${version}`, "Upgrade to 18 when you can: 17 and 18 are what is tried");
  return ok("version", `PostgreSQL ${version}`);
}

interface Wish {
  readonly name: string;
  readonly isMet: (value: string) => boolean;
  readonly status: "warn" | "fail";
  readonly why: string;
  readonly mend: string;
}

const isOn = (value: string): boolean => value === "on";
const wishes: readonly Wish[] = [
  {
    name: "fsync",
    isMet: isOn,
    status: "fail",
    why: "a crash of the machine may lose or break everything",
    mend: "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();",
  },
  {
    name: "full_page_writes",
    isMet: isOn,
    status: "fail",
    why: "a page that was half written in a crash stays broken",
    mend: "ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();",
  },
  {
    name: "synchronous_commit",
    isMet: (value) => value !== "off",
    status: "fail",
    why: "what was stored and acknowledged in the last moment before a crash is lost",
    mend: "ALTER SYSTEM SET synchronous_commit = on; SELECT pg_reload_conf();",
  },
  {
    name: "autovacuum",
    isMet: isOn,
    status: "fail",
    why: "tables grow without end, and transaction numbers run out",
    mend: "ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();",
  },
  {
    name: "track_counts",
    isMet: isOn,
    status: "fail",
    why: "autovacuum does nothing without it",
    mend: "ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf();",
  },
  {
    name: "wal_level",
    isMet: (value) => value !== "minimal",
    status: "warn",
    why: "neither backups nor standbys can be made",
    mend: "ALTER SYSTEM SET wal_level = replica; and restart PostgreSQL",
  },
  {
    name: "shared_preload_libraries",
    isMet: (value) => value.split(/[, ]+/).includes("pg_stat_statements"),
    status: "warn",
    why: "the server does not count its statements: /database/query-analysis knows only ours",
    mend: "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'; and restart PostgreSQL",
  },
];

function settingFindings({ ok, ...other }: Area, { settings, time_zone }: ServerRow): Finding[] {
  const found = wishes.map(({ name, isMet, status, why, mend }) => {
    const value = settings[name] ?? "";
    return isMet(value) ? ok(name, value) : other[status](name, `${value === "" ? "empty" : value}: ${why}`, mend);
  });
  const isUtc = /^(Etc\/)?(UTC|GMT|UCT|Zulu)$/i.test(time_zone);
  const zone = isUtc
    ? ok("time zone", time_zone)
    : other.warn(
        "time zone",
        `${time_zone}: months are UTC all the same, but what you see in psql is not`,
        "ALTER DATABASE … SET TimeZone = 'UTC';",
      );
  return [...found, zone];
}

/** A worker has four more for upkeep, besides its pool. */
function roomFinding({ settings }: ServerRow, poolMax: number, apis: number, workers: number): Finding {
  const reserved = Number(settings["superuser_reserved_connections"]) + Number(settings["reserved_connections"] ?? 0);
  const room = Number(settings["max_connections"]) - reserved;
  const wanted = apis * poolMax + workers * (poolMax + 4);
  const detail = `${apis} API and ${workers} worker processes may open ${wanted}; PostgreSQL has room for ${room}`;
  if (wanted <= room) return area.ok("max_connections", detail);
  const mend = `Set DATABASE_POOL_MAX to ${Math.max(2, Math.floor((room - 4 * workers) / (apis + workers)))} or less, raise max_connections, or put PgBouncer in between`;
  return area.warn("max_connections", detail, mend);
}

async function rightsFindings(db: Db): Promise<Finding[]> {
  const { ok, warn, fail } = area;
  const [rights] = await db.rows(sql.rights, []);
  if (rights === undefined) throw new Error("pg_roles has no row for the current user");
  const { role, creates_tables, is_monitor, foreign_tables, has_statements } = rights;
  const [first = ""] = foreign_tables;
  return [
    creates_tables
      ? ok("tables", `${role} may create them`)
      : fail(
          "tables",
          `${role} may not create them: neither migrations nor partitions can be made`,
          `GRANT CREATE ON SCHEMA public TO ${role};`,
        ),
    foreign_tables.length === 0
      ? ok("indexes", `${role} may create them, concurrently too`)
      : fail(
          "indexes",
          `${role} does not own ${first}${foreign_tables.length > 1 ? ` and ${foreign_tables.length - 1} others` : ""}: it can make neither indexes nor partitions there`,
          `ALTER TABLE ${first} OWNER TO ${role}; and the same for the others`,
        ),
    is_monitor
      ? ok("pg_monitor", `${role} has it`)
      : warn(
          "pg_monitor",
          `${role} lacks it: what others do, and their statements, is hidden`,
          `GRANT pg_monitor TO ${role};`,
        ),
    await statementsFinding(db, has_statements),
  ];
}

async function statementsFinding(db: Db, isThere: boolean): Promise<Finding> {
  const { ok, warn } = area;
  if (!isThere)
    return warn(
      "pg_stat_statements",
      "not installed in this database",
      "CREATE EXTENSION pg_stat_statements; a worker does so too, if its role may",
    );
  try {
    const [{ count } = { count: 0 }] = await db.rows(sql.statements, []);
    return ok("pg_stat_statements", `${count} statements can be read`);
  } catch (error) {
    return warn(
      "pg_stat_statements",
      `it cannot be read: ${textOf(error)}`,
      "Put it into shared_preload_libraries, restart PostgreSQL, and GRANT pg_read_all_stats to the role",
    );
  }
}
