export {
  type JobInput,
  type JobKey,
  type JobPayload,
  jobs,
  type QueueName,
  queueNames,
  scheduledJobNames,
} from "./catalogue.ts";
export { type JobEvent, jobEvents } from "./job-events.ts";
export { type Processing, processings, type Sending, sendings, traceJobs } from "./job-traces.ts";
export type { Lists } from "./lists.ts";
export { lookAtRedis, type RedisLook } from "./look-at-redis.ts";
export { openMailbox } from "./mail.ts";
export type { Workers } from "./members.ts";
export type { Notes } from "./notes.ts";
export type { Presence } from "./presence.ts";
export type { QueueState } from "./queue-states.ts";
export { connectQueues, type ListedQueue, type QueueLoad, type QueueMemory, type Queues } from "./queues.ts";
export type { RedisSettings } from "./redis-settings.ts";
export {
  type JobHandler,
  type JobHandlers,
  type JobRun,
  PermanentJobError,
  startWorkers,
  type UnreadableJob,
} from "./workers.ts";
