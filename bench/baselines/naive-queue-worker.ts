/** The other side of `naive-queue-api.ts`: an INSERT a job. */
import process from "node:process";
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import pg from "pg";
import { type IncomingEvent, insertOf, poolOptions } from "./event-insert.ts";

const pool = new pg.Pool(poolOptions(process.argv[2] ?? ""));
const worker = new Worker<IncomingEvent>(
  "naive",
  async (job) => {
    await pool.query(insertOf(job.data));
  },
  { connection: new Redis(process.argv[3] ?? "", { maxRetriesPerRequest: null }), concurrency: 100 },
);
await worker.waitUntilReady();
process.send?.({ type: "ready", url: "" });
process.once("disconnect", () => process.exit(0));
process.once("SIGTERM", () => process.exit(0));
