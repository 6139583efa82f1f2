export { countProcess } from "./count-process.ts";
export { type CountName, type Counts, countIn, createFigures, type Figures, sketchIn } from "./figures.ts";
export {
  type CacheRate,
  cacheRatesOf,
  type Latency,
  latencyOf,
  percentilesOf,
  rateIn,
  rateOf,
} from "./fleet-figures.ts";
export { boundedQuestion } from "./health/bounded-question.ts";
export { type Dependency, type DependencyState, type WatchedDependency, watchDependency } from "./health/dependency.ts";
export { createHealth, type Health, type HealthReport, healthReport } from "./health/health-report.ts";
export {
  cacheDependency,
  postgresDependency,
  queueDependency,
  replicaStates,
} from "./health/known-dependencies.ts";
export { type Fleet, joinFleet, type Member } from "./join-fleet.ts";
export { observeFleet } from "./metrics/observe-fleet.ts";
export { keepOwnHistory, type OwnHistory } from "./own-history.ts";
export { type PerformanceReport, performanceReport, reportPerformance } from "./performance-report.ts";
export type { ProcessReport } from "./process-report.ts";
