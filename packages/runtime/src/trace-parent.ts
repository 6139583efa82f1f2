/** Where a request is in a trace of somebody else's (W3C Trace Context, `traceparent`). */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  /** Whether whoever sent it records the trace. */
  readonly isSampled: boolean;
}

const form = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** What a `traceparent` says, also one of a later version; `undefined` for what is none. */
export function traceParentIn(text: string | undefined): TraceParent | undefined {
  const [, traceId, spanId, flags] = (text !== undefined && text.length < 512 && form.exec(text)) || [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  // Version 00 has nothing behind its flags.
  if (text?.startsWith("00") && text.length !== 55) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function traceParentText({ traceId, spanId, isSampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
}
