/** An event as `POST /v1/events` takes it. The id and the time are set here, so that sending it again stores it once. */
export interface DemoEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}
