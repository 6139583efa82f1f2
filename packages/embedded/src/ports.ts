import { once } from "node:events";
import { createServer } from "node:net";

/** True when something may listen on the port of this address right now. */
export async function isPortFree(port: number, host = "127.0.0.1"): Promise<boolean> {
  return (await tryListen(port, host)) !== undefined;
}

/** A port that is free now: the preferred one if it is, else any. */
export async function freePort(preferred?: number): Promise<number> {
  const kept = preferred === undefined ? undefined : await tryListen(preferred, "127.0.0.1");
  const port = kept ?? (await tryListen(0, "127.0.0.1"));
  if (port === undefined) throw new Error("No free port on 127.0.0.1.");
  return port;
}

async function tryListen(port: number, host: string): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, "listening");
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : undefined;
  } catch {
    return undefined; // in use, or not ours to use
  } finally {
    server.close();
  }
}
