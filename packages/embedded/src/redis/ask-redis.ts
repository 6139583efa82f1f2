import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Sends one command after logging in and gives the reply's first line, such as `+PONG`; `undefined` when
 * nothing listens or it is not the server that knows the password. A client library is more than this needs.
 */
export async function askRedis(port: number, password: string, command: string): Promise<string | undefined> {
  const text = await new Promise<string>((resolve) => {
    let received = "";
    const socket = connect({ host: "127.0.0.1", port }, () => socket.write(`AUTH ${password}\r\n${command}\r\n`));
    socket.setTimeout(2_000, () => socket.destroy());
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      received += chunk;
      if (received.split("\r\n").length > 2) socket.destroy();
    });
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => resolve(received));
  });
  const [login, reply] = text.split("\r\n");
  return login === "+OK" ? reply : undefined;
}

/** Resolves when the server has loaded its data and answers. */
export async function redisReady(port: number, password: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if ((await askRedis(port, password, "PING")) === "+PONG") return;
    await sleep(20, undefined, { signal }).catch(() => {});
  }
}

/**
 * Shuts down the server on this port if it is the one with this password: what a killed run left behind.
 * Gives true when there was one. It has written its data when it no longer listens.
 */
export async function shutDownRedis(port: number, password: string): Promise<boolean> {
  if ((await askRedis(port, password, "PING")) === undefined) return false;
  const until = performance.now() + 30_000;
  while ((await askRedis(port, password, "SHUTDOWN")) !== undefined && performance.now() < until) await sleep(50);
  return true;
}
