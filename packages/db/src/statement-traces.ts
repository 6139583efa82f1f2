import type { Tracing } from "@millrace/runtime";
import { sqlStateOf } from "./errors.ts";
import { type CommitEvent, commitEvents, type QueryEvent, queryEvents } from "./query-events.ts";

/** A text that is longer is cut. */
const maxTextLength = 2_048;

/**
 * Makes spans of the statements and COMMITs that are part of a recorded trace (OpenTelemetry's conventions for
 * databases). Their values are not told.
 */
export function traceStatements(tracing: Tracing): void {
  const isRecorded = (): boolean => tracing.current.getStore()?.context !== undefined;

  queryEvents.subscribe((message) => {
    if (!isRecorded()) return;
    const { name, text, durationMs, rows, error } = message as QueryEvent; // the channel carries nothing else
    const [operation = ""] = text.split(/\s/, 1);
    const span = tracing.start({
      name,
      kind: "client",
      attributes: {
        "db.system.name": "postgresql",
        "db.operation.name": operation.toUpperCase(),
        "db.query.summary": name,
        "db.query.text": text.slice(0, maxTextLength),
        "db.response.returned_rows": rows,
      },
      sinceMs: durationMs,
    });
    if (error !== undefined) span.fail(error, { "db.response.status_code": sqlStateOf(error) });
    span.end();
  });

  commitEvents.subscribe((message) => {
    if (!isRecorded()) return;
    const { durationMs, error } = message as CommitEvent; // the channel carries nothing else
    const attributes = { "db.system.name": "postgresql", "db.operation.name": "COMMIT", "db.query.summary": "COMMIT" };
    const span = tracing.start({ name: "COMMIT", kind: "client", attributes, sinceMs: durationMs });
    if (error !== undefined) span.fail(error, { "db.response.status_code": sqlStateOf(error) });
    span.end();
  });
}
