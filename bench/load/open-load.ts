import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "hdr-histogram-js";
import { postBytes } from "./http-load.ts";
import type { NumberedEvents } from "./numbered-events.ts";

export interface OpenLoadOptions {
  readonly url: string;
  readonly key: string;
  readonly events: NumberedEvents;
  /** Requests are sent at this rate whatever becomes of those before. */
  readonly requestsPerSecond: number;
  readonly seconds: number;
  readonly connections: number;
}

export interface OpenLoadResult {
  /** Numbers of the requests that were answered 202. */
  readonly accepted: readonly number[];
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests whose turn came while every connection was waiting for an answer. */
  readonly unsent: number;
  readonly acceptP99Ms: number;
  /** When the last answer other than 202 came, on the clock of `performance.now()`; 0 if there was none. */
  readonly lastRefusedAt: number;
}

const tickMs = 5;

/** Sends requests by the clock, as a crowd does that does not know of each other, and repeats none. */
export async function openLoad(options: OpenLoadOptions): Promise<OpenLoadResult> {
  const { url, key, events, requestsPerSecond, seconds, connections } = options;
  const statuses: Record<string, number> = {};
  const accepted: number[] = [];
  const latency = build({ highestTrackableValue: 60_000_000 });
  let lastRefusedAt = 0;
  let unsent = 0;
  const idle: Socket[] = [];
  const answers = new Map<Socket, (status: string) => void>();
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(url)));
  for (const socket of sockets) {
    idle.push(socket);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      if (end < 0 || length === undefined || text.length < end + 4 + Number(length)) return;
      const status = text.slice(9, 12);
      text = "";
      answers.get(socket)?.(status);
    });
  }

  function sendOne(socket: Socket): void {
    const { number, body } = events.next();
    const sentAt = performance.now();
    answers.set(socket, (status) => {
      answers.delete(socket);
      idle.push(socket);
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === "202") {
        accepted.push(number);
        latency.recordValue(Math.max(1, Math.round((performance.now() - sentAt) * 1_000)));
      } else lastRefusedAt = performance.now();
    });
    socket.write(postBytes(url, key, body));
  }

  const startedAt = performance.now();
  let due = 0;
  while (performance.now() - startedAt < seconds * 1_000) {
    const wanted = Math.floor(((performance.now() - startedAt) / 1_000) * requestsPerSecond);
    for (; due < wanted; due += 1) {
      const socket = idle.pop();
      if (socket === undefined) unsent += 1;
      else sendOne(socket);
    }
    await sleep(tickMs);
  }
  while (answers.size > 0) await sleep(tickMs);
  for (const socket of sockets) socket.destroy();
  return { accepted, statuses, unsent, acceptP99Ms: latency.getValueAtPercentile(99) / 1_000, lastRefusedAt };
}

async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  // A connection that the server ends while it waits is missed by the count of answers, which never comes then.
  socket.on("error", (error) => {
    throw error;
  });
  return socket;
}
