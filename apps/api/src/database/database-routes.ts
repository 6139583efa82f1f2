import type { Postgres, Replicas } from "@millrace/db";
import type { Queues } from "@millrace/jobs";
import type { AlertRule } from "@millrace/upkeep";
import type { FastifyInstance } from "fastify";
import { registerAlerts } from "./alert-routes.ts";
import { registerBackups } from "./backup-routes.ts";
import { registerDatabaseHealth } from "./health-routes.ts";
import { registerIndexes } from "./index-routes.ts";
import { registerMaintenance } from "./maintenance-routes.ts";
import { registerQueryAnalysis } from "./query-routes.ts";
import { registerRunbooks } from "./runbook-routes.ts";

export interface DatabaseOptions {
  /** What the disk of the database holds, if that is known. */
  readonly diskBytes: number | undefined;
  /** The most connections that this process may open. */
  readonly maxConnections: number;
  readonly alertRules: readonly AlertRule[];
  /** How people reach this API, for links. */
  readonly publicUrl?: string | undefined;
  readonly replicas: Pick<Replicas, "state" | "askEach">;
}

export const partitionedTable = "telemetry_events";

/** The database for its operators: how it is, what its statements and indexes do, and what upkeep did. */
export function registerDatabase(
  app: FastifyInstance,
  { db, queues, ...options }: DatabaseOptions & { readonly db: Postgres; readonly queues: Queues },
): void {
  registerDatabaseHealth(app, { ...options, db, partitionedTable });
  registerQueryAnalysis(app, { db });
  registerIndexes(app, { db, queues, replicas: options.replicas });
  registerAlerts(app, { db, rules: options.alertRules, publicUrl: options.publicUrl });
  registerRunbooks(app);
  registerBackups(app, { db });
  registerMaintenance(app, { db, queues, partitionedTable });
}
