/**
 * A telemetry event as it is stored. Attribute names and meanings are those of CloudEvents 1.0
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md): `source` + `id` names an
 * event, a second one with both the same is the same event sent again.
 */
export interface TelemetryEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  /** RFC 3339 in UTC with at most six digits of fraction: `2026-11-23T10:00:00.123456Z`. Part of the row's key. */
  readonly time: string;
  /** JSON text of the payload; absent when the event has none. */
  readonly dataJson?: string;
  /** JSON text of an object with all further context attributes; absent when there are none. */
  readonly extensionsJson?: string;
}
