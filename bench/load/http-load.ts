import { connect, type Socket } from "node:net";
import { build, type Histogram } from "hdr-histogram-js";

export interface LoadOptions {
  readonly url: string;
  readonly connections: number;
  /** Gives the next request's bytes, or `undefined` when there are no more. */
  readonly next: () => Buffer | undefined;
}

export interface LoadResult {
  readonly seconds: number;
  /** Answers by status code. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Time from a request's first byte to its answer's last, in microseconds. */
  readonly latency: Histogram;
}

const headEnd = Buffer.from("\r\n\r\n");

/**
 * A closed-loop load of keep-alive connections, one request under way on each. The requests are bytes
 * made beforehand and only the status and the length of an answer are read, so that the generator,
 * which shares the machine with what it measures, costs as little as can be.
 */
export async function httpLoad({ url, connections, next }: LoadOptions): Promise<LoadResult> {
  const { hostname, port } = new URL(url);
  const statuses: Record<number, number> = {};
  const latency = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  });
  const startedAt = performance.now();

  const runOne = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      let sentAt = 0;
      let rest = Buffer.alloc(0);
      const send = (): void => {
        const request = next();
        if (request === undefined) {
          socket.end();
          resolve();
          return;
        }
        sentAt = performance.now();
        socket.write(request);
      };
      socket.on("connect", send);
      socket.on("error", reject);
      socket.on("data", (chunk) => {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        const status = wholeAnswerIn(rest, socket);
        if (status === undefined) return;
        rest = Buffer.alloc(0);
        latency.recordValue(Math.max(1, Math.round((performance.now() - sentAt) * 1_000)));
        statuses[status] = (statuses[status] ?? 0) + 1;
        send();
      });
    });

  await Promise.all(Array.from({ length: connections }, runOne));
  return { seconds: (performance.now() - startedAt) / 1_000, statuses, latency };
}

/** The status of the answer once all of its bytes are there. */
export function wholeAnswerIn(bytes: Buffer, socket: Socket): number | undefined {
  const end = bytes.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = bytes.toString("latin1", 0, end);
  const length = /content-length: (\d+)/i.exec(head)?.[1];
  if (length === undefined) {
    socket.destroy(new Error("The load generator needs answers with a Content-Length"));
    return undefined;
  }
  return bytes.length >= end + headEnd.length + Number(length) ? Number(head.slice(9, 12)) : undefined;
}

/** The bytes of a POST with a JSON body, or of another method that has one. */
export function postBytes(url: string, key: string, body: string, method = "POST"): Buffer {
  const { host, pathname } = new URL(url);
  return Buffer.from(
    `${method} ${pathname} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** The bytes of a GET. */
export function getBytes(url: string, key: string): Buffer {
  const { host, pathname, search } = new URL(url);
  return Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${key}\r\n\r\n`);
}
