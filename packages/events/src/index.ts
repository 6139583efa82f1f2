export { copyRowOf, eventColumns, fieldsOf, linesOf, monthOf } from "./copy-row.ts";
export type { TelemetryEvent } from "./event.ts";
