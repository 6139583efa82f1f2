export { createClient } from "./client.ts";
export type { MillraceEvent } from "./event.ts";
export type { FlushOptions, MillraceClient } from "./millrace-client.ts";
export { MillraceError, type MillraceErrorCode } from "./millrace-error.ts";
export type { ClientOptions, OverflowPolicy } from "./options.ts";
export type { DropReason, Rejection, Statistics } from "./report.ts";
