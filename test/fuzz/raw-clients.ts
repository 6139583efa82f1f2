import { once } from "node:events";
import { connect, type Socket } from "node:net";

const beginnings = [
  "GET /v1/events HTTP/1.1\r\n\r\n",
  "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
  "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
  "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST /v1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
  "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{",
  `GET /health HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
  `GET /health HTTP/1.1\r\nHost: a\r\n\r\n${"\u0000\u0001garbage\r\n".repeat(1_000)}`,
  `${"GET /health HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500)}`,
  "\u0016\u0003\u0001\u0002\u0000\u0001", // a TLS client
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

/** `once` of node:events would reject at an error. */
function closeOf(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => (socket.closed ? resolve(undefined) : socket.once("close", resolve)));
}

/** Sends what no HTTP library would send, and goes away in the middle. */
export async function sendGarbage(port: number, number: number): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {}); // "close" follows
  await once(socket, "connect");
  socket.resume().write(beginnings[number % beginnings.length] ?? "", "latin1");
  if (number % 2 === 0) socket.end();
  else setTimeout(() => socket.destroy(), 50);
  await closeOf(socket);
}

export interface SlowClients extends Disposable {
  /** Resolves when the server has closed all of their connections. */
  readonly allClosed: Promise<unknown>;
}

/** Clients that send a byte of a request's head, or of its body, every second, and never all of it (slow loris). */
export function openSlowClients(port: number, count: number): SlowClients {
  const sockets: Socket[] = [];
  const timers: NodeJS.Timeout[] = [];
  const closed = Array.from({ length: count }, async (_, index) => {
    const socket = connect({ port, host: "127.0.0.1" });
    sockets.push(socket);
    socket.on("error", () => {}); // "close" follows
    await once(socket, "connect");
    const head = index % 2 === 0 ? "" : "Content-Length: 100000\r\n\r\n";
    socket.resume().write(`POST /v1/events HTTP/1.1\r\nHost: a\r\n${head}`);
    const timer = setInterval(() => socket.write("a"), 1_000);
    timers.push(timer);
    await closeOf(socket);
    clearInterval(timer);
  });
  return {
    allClosed: Promise.all(closed),
    [Symbol.dispose]() {
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}
