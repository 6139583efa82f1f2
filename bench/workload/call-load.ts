import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { build, type Histogram } from "hdr-histogram-js";
import { getBytes, postBytes, wholeAnswerIn } from "../load/http-load.ts";
import type { Call } from "./mix.ts";

export interface CallLoadOptions {
  readonly url: string;
  readonly key: string;
  readonly next: () => Call;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface CallLoadResult {
  /** From the moment a call was due to its answer's end, in microseconds, by kind. */
  readonly latency: ReadonlyMap<string, Histogram>;
  /** Of these, how long a call was due before it was sent: the load's own lateness, or no free connection. */
  readonly lateness: Histogram;
  readonly statuses: Readonly<Record<string, number>>;
}

const connections = 64;

/** Sends calls by the clock, whatever becomes of those before: one that waits for a free connection counts as slow. */
export async function callLoad({ url, key, next, perSecond, seconds }: CallLoadOptions): Promise<CallLoadResult> {
  const latency = new Map<string, Histogram>();
  const lateness = build({ highestTrackableValue: 60_000_000 });
  const statuses: Record<string, number> = {};
  const waiting: { readonly call: Call; readonly dueAt: number }[] = [];
  const idle: Socket[] = [];
  const ended = Promise.withResolvers<void>();
  const total = perSecond * seconds;
  let answered = 0;

  function answer({ kind }: Call, status: number, dueAt: number): void {
    const name = `${kind} ${status}`;
    statuses[name] = (statuses[name] ?? 0) + 1;
    let histogram = latency.get(kind);
    if (histogram === undefined) {
      histogram = build({ highestTrackableValue: 60_000_000 });
      latency.set(kind, histogram);
    }
    histogram.recordValue(Math.max(1, Math.round((performance.now() - dueAt) * 1_000)));
    answered += 1;
    if (answered === total) ended.resolve();
  }

  const underWay = new Map<Socket, { call: Call; dueAt: number; bytes: Buffer }>();
  function sendWaiting(): void {
    while (waiting.length > 0) {
      const socket = idle.pop();
      const first = socket && waiting.shift();
      if (socket === undefined || first === undefined) return;
      const { method, path, body } = first.call;
      lateness.recordValue(Math.max(1, Math.round((performance.now() - first.dueAt) * 1_000)));
      underWay.set(socket, { ...first, bytes: Buffer.alloc(0) });
      socket.write(body === undefined ? getBytes(url + path, key) : postBytes(url + path, key, body, method));
    }
  }

  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: connections }, () =>
    connect({ host: hostname, port: Number(port), noDelay: true }),
  );
  for (const socket of sockets) {
    socket.on("error", ended.reject);
    socket.on("data", (chunk) => {
      const sent = underWay.get(socket);
      if (sent === undefined) return;
      sent.bytes = sent.bytes.length === 0 ? chunk : Buffer.concat([sent.bytes, chunk]);
      const status = wholeAnswerIn(sent.bytes, socket);
      if (status === undefined) return;
      underWay.delete(socket);
      idle.push(socket);
      answer(sent.call, status, sent.dueAt);
      sendWaiting();
    });
  }
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  idle.push(...sockets);

  const startedAt = performance.now();
  for (let sent = 0; sent < total; ) {
    const elapsed = performance.now() - startedAt;
    for (; sent < Math.min(total, (elapsed / 1_000) * perSecond); sent += 1) {
      waiting.push({ call: next(), dueAt: startedAt + (sent / perSecond) * 1_000 });
    }
    sendWaiting();
    await sleep(1);
  }
  await ended.promise;
  for (const socket of sockets) socket.destroy();
  return { latency, lateness, statuses };
}
