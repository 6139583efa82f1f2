import { randomUUID } from "node:crypto";

/** An event as a service would send it: about 300 bytes, a UUIDv7 id, a handful of sources and types. */
export interface SampleEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const regions = ["eu-west", "us-east", "ap-south"];

/** `count` events of one `run`, a hundredth of a millisecond apart and ending now. */
export function sampleEvents(run: string, count: number): SampleEvent[] {
  const end = Date.now();
  return Array.from({ length: count }, (_, index) => {
    const ms = Math.floor(end - (count - index) / 100);
    return {
      id: uuidV7At(ms),
      source: `/${run}/service-${index % 20}`,
      type: `com.example.metric.${index % 30}`,
      ...(index % 2 === 0 ? {} : { subject: `user-${(index * 7_919) % 5_000}` }),
      time: new Date(ms).toISOString(),
      data: {
        value: Math.random() * 1_000,
        unit: "ms",
        host: `host-${index % 50}`,
        region: regions[index % 3],
        attempt: index % 5,
        trace_id: randomUUID().replaceAll("-", ""),
        message: `request finished with status ${200 + (index % 5)}`,
      },
    };
  });
}

function uuidV7At(ms: number): string {
  const time = ms.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
