import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface Way extends AsyncDisposable {
  /** The URL of the server behind it, by this way. */
  readonly url: string;
  /** Keeps back what the server answers … */
  hold(): void;
  /** … and lets it come, all of it. */
  release(): void;
  /** From now on nothing comes through on the connections that exist, which stay open; new ones work. */
  silence(): void;
}

/** A way to a server on which answers can be late, or not come at all; requests arrive, and are carried out. */
export async function openWay(serverUrl: string): Promise<Way> {
  const url = new URL(serverUrl);
  const target = { host: url.hostname, port: Number(url.port) };
  const clients = new Map<Socket, Socket>();
  let isHeld = false;
  const way = createServer((client) => {
    const server = connect(target);
    clients.set(client, server);
    client.pipe(server);
    if (!isHeld) server.pipe(client);
    const end = (): void => {
      clients.delete(client);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on("error", end).on("close", end);
  });
  way.listen(0, "127.0.0.1");
  await once(way, "listening");
  const address = way.address();
  url.port = String(typeof address === "object" && address !== null ? address.port : 0);
  return {
    url: url.href,
    hold() {
      isHeld = true;
      for (const server of clients.values()) server.unpipe();
    },
    release() {
      isHeld = false;
      for (const [client, server] of clients) server.pipe(client);
    },
    silence() {
      for (const [client, server] of clients) {
        client.unpipe().resume();
        server.unpipe().resume();
      }
    },
    async [Symbol.asyncDispose]() {
      const closed = once(way, "close");
      way.close();
      for (const client of clients.keys()) client.destroy();
      await closed;
    },
  };
}
