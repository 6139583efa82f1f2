export { countProcess } from "./count-process.ts";
export { type CountName, type Counts, countIn, createFigures, type Figures } from "./figures.ts";
export { type CacheRate, cacheRatesOf, type Latency, latencyOf, rateIn, rateOf } from "./fleet-figures.ts";
export { type Fleet, joinFleet, type Member } from "./join-fleet.ts";
export type { ProcessReport } from "./process-report.ts";
