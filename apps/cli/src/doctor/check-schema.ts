import { join } from "node:path";
import { listKeys } from "@millrace/access";
import { type Db, migrationStatus } from "@millrace/db";
import { databaseHealth, type HealthCheck } from "@millrace/upkeep";
import { figureText } from "../table.ts";
import { type Finding, findingsOf } from "./finding.ts";

export interface SchemaNeeds {
  readonly db: Db;
  readonly url: string;
  readonly root: string;
  readonly diskBytes: number | undefined;
  readonly hasDevelopmentKey: boolean;
}

/** Whether the schema is what this version needs, and what is in it. */
export async function checkSchema(needs: SchemaNeeds): Promise<Finding[]> {
  const { db, url, root, diskBytes, hasDevelopmentKey } = needs;
  const statuses = await migrationStatus({ url, directory: join(root, "migrations") });
  const { ok, warn, fail } = findingsOf("schema");
  const open = statuses.filter(({ state }) => state !== "applied" && state !== "missing");
  const [first] = open;
  if (first !== undefined) {
    const others = open.length > 1 ? ` and ${open.length - 1} more` : "";
    const detail = `${first.id} is ${first.state.replace("_", " ")}${others}`;
    return [fail("migrations", detail, "npm run migrate -- up")];
  }
  const strange = statuses.filter(({ state, isUnedited }) => state === "missing" || isUnedited === false);
  const migrations =
    strange[0] === undefined
      ? ok("migrations", `${statuses.length} applied`)
      : warn(
          "migrations",
          `${strange[0].id} ${strange[0].state === "missing" ? "is applied, and its files are not here" : "was changed after it was applied"}`,
          "npm run migrate -- status; use the version that was deployed, or migrate to this one",
        );
  const health = await databaseHealth(db, { partitionedTable: "telemetry_events", diskBytes });
  return [migrations, await keysFinding(db, hasDevelopmentKey), ...health.flatMap(healthFinding)];
}

async function keysFinding(db: Db, hasDevelopmentKey: boolean): Promise<Finding> {
  const { ok, warn } = findingsOf("schema");
  const now = new Date();
  const valid = (await listKeys(db)).filter(
    ({ expiresAt, revokedAt }) => revokedAt === null && (expiresAt === null || expiresAt > now),
  );
  if (valid.length > 0) return ok("keys", `${valid.length} are valid`);
  if (hasDevelopmentKey) return ok("keys", "none yet but the one for development");
  const mend = "npm run keys -- create --name NAME --scope ingest --scope read";
  return warn("keys", "none is valid: nobody can send or read", mend);
}

/** What could not be looked at is not known to be well, and is no fault either. */
function healthFinding({ id, status, value, unit, advice }: HealthCheck): Finding[] {
  const { ok, warn, fail } = findingsOf("database");
  if (status === "skipped") return [];
  const detail = figureText(value, unit);
  if (status === "ok") return [ok(id, detail)];
  return [status === "critical" ? fail(id, detail, advice) : warn(id, detail, advice)];
}
