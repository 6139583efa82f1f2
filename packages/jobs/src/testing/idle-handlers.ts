import { type JobKey, jobs } from "../catalogue.ts";
import type { JobHandlers } from "../workers.ts";

/** Handlers that do nothing, for tests of what is around them. */
export const idleHandlers = Object.fromEntries(
  (Object.keys(jobs) as JobKey[]).map((key) => [key, async () => {}]), // keys of a constant object
) as unknown as JobHandlers; // one for each key
