import type { RedisStore } from "@millrace/cache";
import type { Postgres, Replicas } from "@millrace/db";
import {
  cacheDependency,
  createHealth,
  type Fleet,
  type Health,
  postgresDependency,
  queueDependency,
  replicaStates,
  watchDependency,
} from "@millrace/fleet";
import { type Queues, queueNames } from "@millrace/jobs";
import { version } from "@millrace/runtime";

export interface ApiHealthNeeds {
  readonly db: Postgres;
  readonly queues: Pick<Queues, "inspect">;
  readonly cacheRedis: Pick<RedisStore, "inspect">;
  readonly replicas: Pick<Replicas, "state">;
  readonly fleet: Pick<Fleet, "members">;
  /** Why no events are let in at the moment. */
  readonly refusal: () => string | undefined;
}

/** How this API is, until disposed. */
export function createApiHealth(needs: ApiHealthNeeds): Health & Disposable {
  const { db, queues, cacheRedis, replicas, fleet, refusal } = needs;
  const postgres = postgresDependency(db);
  const health = createHealth({
    role: "api",
    version,
    dependencies: [postgres, queueDependency(queues), cacheDependency(cacheRedis)].map((one) => watchDependency(one)),
    others: () => replicaStates(replicas.state()),
    fleet,
    queues: queueNames,
    troubles: () => {
      const reason = refusal();
      return reason === undefined ? [] : [`events are refused for now: ${reason}`];
    },
  });
  return { ...health, [Symbol.dispose]: () => postgres[Symbol.dispose]() };
}
