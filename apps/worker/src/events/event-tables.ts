import { hash } from "node:crypto";
import { type Db, identifier, sqlStateOf, statement } from "@millrace/db";
import { eventColumns } from "@millrace/events";
import type { UnreadableJob } from "@millrace/jobs";

const columns = eventColumns.map(identifier).join(", ");

const copyDirect = statement<[], never>("events.copy", `COPY telemetry_events (${columns}) FROM STDIN`);

const createStaging = statement<[], never>(
  "events.create_staging",
  "CREATE TEMPORARY TABLE event_staging (LIKE telemetry_events INCLUDING DEFAULTS) ON COMMIT DROP",
);

const copyStaging = statement<[], never>("events.copy_staging", `COPY event_staging (${columns}) FROM STDIN`);

/** In the order of the key, so that two workers with the same rows wait for each other and never in a circle. */
const insertStagedRows = statement<[], never>(
  "events.insert_staged",
  `INSERT INTO telemetry_events (${columns})
   SELECT ${columns} FROM event_staging ORDER BY id, source, time
       ON CONFLICT DO NOTHING`,
);

const quarantineStagedRows = statement<[reason: string], never>(
  "events.quarantine_staged",
  `INSERT INTO telemetry_events_quarantine (${columns}, reason)
   SELECT ${columns}, $1 FROM event_staging ORDER BY id, source, time
       ON CONFLICT DO NOTHING`,
);

/** A job that runs twice finds its letters by their ids; a letter that was redriven in vain waits again. */
const insertDeadLetter = statement<[id: string, sqlstate: string, message: string, payload: string], never>(
  "events.insert_dead_letter",
  `INSERT INTO dead_letters (id, queue, job_name, reason_code, sqlstate, message, payload)
   VALUES ($1, 'ingest', 'events.import', 'refused_by_database', $2, $3, $4)
       ON CONFLICT (id) DO UPDATE
          SET attempts = dead_letters.attempts + 1, redriven_at = NULL,
              sqlstate = EXCLUDED.sqlstate, message = EXCLUDED.message
        WHERE dead_letters.redriven_at IS NOT NULL`,
);

const insertUnreadable = statement<[id: string, queue: string, job: string, message: string, payload: string], never>(
  "events.insert_unreadable_job",
  `INSERT INTO dead_letters (id, queue, job_name, reason_code, message, payload)
   VALUES ($1, $2, $3, 'payload_invalid', $4, $5)
       ON CONFLICT (id) DO NOTHING`,
);

/** Keeps a job that is not what its contract says, as JSON. */
export function keepUnreadableJobs({ db }: { db: Db }): (job: UnreadableJob) => Promise<void> {
  return async ({ queue, name, data, message }) => {
    const payload = JSON.stringify(data).replaceAll("\\u0000", "\\ufffd");
    await db.run(insertUnreadable, [hash("sha256", payload).slice(0, 32), queue, name, message, payload]);
  };
}

/** How rows get into the tables of events. */
export interface EventTables {
  readonly copyDirect: typeof copyDirect;
  insertStaged(db: Db, rows: readonly Buffer[]): Promise<{ staged: number; inserted: number }>;
  quarantine(db: Db, rows: readonly Buffer[], reason: string): Promise<number>;
  addDeadLetter(db: Db, line: string, error: unknown): Promise<void>;
}

export const telemetryTables: EventTables = {
  copyDirect,

  async insertStaged(db, rows) {
    return await db.transaction(async (tx) => {
      await tx.run(createStaging, []);
      const staged = await tx.copyIn(copyStaging, rows);
      return { staged, inserted: await tx.run(insertStagedRows, []) };
    });
  },

  async quarantine(db, rows, reason) {
    return await db.transaction(async (tx) => {
      await tx.run(createStaging, []);
      await tx.copyIn(copyStaging, rows);
      return await tx.run(quarantineStagedRows, [reason]);
    });
  },

  async addDeadLetter(db, line, error) {
    const message = error instanceof Error ? error.message : String(error);
    const id = hash("sha256", line).slice(0, 32);
    await db.run(insertDeadLetter, [id, sqlStateOf(error) ?? "", message, line]);
  },
};
