import type { RedisStore } from "@millrace/cache";
import type { Postgres } from "@millrace/db";
import {
  cacheDependency,
  createHealth,
  type Fleet,
  type Health,
  postgresDependency,
  queueDependency,
  watchDependency,
} from "@millrace/fleet";
import { type Queues, queueNames, type Workers } from "@millrace/jobs";
import { version } from "@millrace/runtime";

export interface WorkerHealthNeeds {
  readonly db: Postgres;
  readonly queues: Pick<Queues, "inspect">;
  readonly cacheRedis: Pick<RedisStore, "inspect">;
  readonly fleet: Pick<Fleet, "members">;
  readonly workers: Pick<Workers, "stuckQueues">;
}

/** How this worker is, until disposed. */
export function createWorkerHealth({ db, queues, cacheRedis, fleet, workers }: WorkerHealthNeeds): Health & Disposable {
  const postgres = postgresDependency(db);
  const health = createHealth({
    role: "worker",
    version,
    dependencies: [postgres, queueDependency(queues), cacheDependency(cacheRedis)].map((one) => watchDependency(one)),
    fleet,
    queues: queueNames,
    troubles: () => workers.stuckQueues().map((queue) => `it takes nothing from the queue ${queue} though work waits`),
  });
  return { ...health, [Symbol.dispose]: () => postgres[Symbol.dispose]() };
}
