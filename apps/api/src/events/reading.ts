import type { ReadDb } from "@millrace/db";
import type { FastifyInstance } from "fastify";
import { registerExport } from "./read/export-route.ts";
import { registerGet } from "./read/get-route.ts";
import { registerList } from "./read/list-route.ts";
import { registerQuarantine } from "./read/quarantine-route.ts";
import { registerStats } from "./read/stats-route.ts";

const hourMs = 3_600_000;

/** Reading of events: the list, one event, counts, exports, and the quarantine. */
export function registerReading(app: FastifyInstance, { db }: { db: ReadDb }): void {
  registerList(app, { db });
  registerStats(app, { db });
  registerExport(app, { db, maxExports: 4, timeoutMs: hourMs, stallMs: 60_000 });
  registerGet(app, { db });
  registerQuarantine(app, { db });
}
