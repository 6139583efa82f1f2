import { AsyncLocalStorage } from "node:async_hooks";

/** On whose behalf something is done: log lines and statements say it. */
export interface Origin {
  /** Short, such as `ingest:17+3 k3f9qa-2b`; PostgreSQL shows as much of it as there is room for. */
  readonly label: string;
  /** What log lines have. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const origins = new AsyncLocalStorage<Origin>();

/** Runs `work`, and whatever it sets going, on behalf of `origin`. */
export function onBehalfOf<T>(origin: Origin, work: () => T): T {
  return origins.run(origin, work);
}

export function currentOrigin(): Origin | undefined {
  return origins.getStore();
}

/** A few of the things that a batch is made of: the first one, and how many more there are. */
export function labelOf(queue: string, jobs: readonly string[], requests: readonly string[]): string {
  const [first = "?"] = jobs;
  const more = jobs.length > 1 ? `+${jobs.length - 1}` : "";
  const [request] = requests;
  return `${queue}:${first}${more}${request === undefined ? "" : ` ${request}`}`;
}
