import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort, isPortFree } from "./ports.ts";

test("a port that is taken is neither free nor given out, and another is given instead", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const taken = typeof address === "object" && address !== null ? address.port : 0;
  expect(await isPortFree(taken)).toBe(false);
  expect(await freePort(taken)).not.toBe(taken);
  server.close();
});
