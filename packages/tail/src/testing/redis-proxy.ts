import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a real Redis that shows what is sent to it, and can be cut or held. */
export interface RedisProxy extends AsyncDisposable {
  readonly url: string;
  /** Everything that clients have sent. */
  sent(): string;
  /** Ends all connections, and every new one at once. */
  cut(): void;
  /** Takes everything, passes nothing on, and says nothing. */
  hold(): void;
  /** Ends what was cut or held: new connections work. */
  restore(): void;
}

export async function createRedisProxy(redisUrl: string): Promise<RedisProxy> {
  const target = new URL(redisUrl);
  const sockets = new Set<Socket>();
  let state: "open" | "cut" | "held" = "open";
  let sent = "";
  const server = createServer((client) => {
    if (state === "cut") {
      client.destroy();
      return;
    }
    const redis = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.on("data", (chunk: Buffer) => {
        if (socket === client) sent += chunk.toString("latin1");
        if (state === "open") other.write(chunk);
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(redisUrl);
  url.hostname = "127.0.0.1";
  // A server that listens on TCP has an address of this kind.
  url.port = String((server.address() as AddressInfo).port);

  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    sent: () => sent,
    cut() {
      state = "cut";
      destroyAll();
    },
    hold() {
      state = "held";
    },
    restore() {
      if (state === "held") destroyAll();
      state = "open";
    },
    async [Symbol.asyncDispose]() {
      destroyAll();
      server.close();
      await once(server, "close");
    },
  };
}
