import type { FastifyInstance } from "fastify";
import { registerExport } from "./read/export-route.ts";
import type { ReadsOf } from "./read/freshness.ts";
import { registerGet } from "./read/get-route.ts";
import { registerList } from "./read/list-route.ts";
import { registerQuarantine } from "./read/quarantine-route.ts";
import { registerStats } from "./read/stats-route.ts";

const hourMs = 3_600_000;

/** Reading of events: the list, one event, counts, exports, and the quarantine. */
export function registerReading(app: FastifyInstance, { readsOf }: { readsOf: ReadsOf }): void {
  registerList(app, { readsOf });
  registerStats(app, { readsOf });
  registerExport(app, { readsOf, maxExports: 4, timeoutMs: hourMs, stallMs: 60_000 });
  registerGet(app, { readsOf });
  registerQuarantine(app, { readsOf });
}
