import process from "node:process";
import type { FastifyInstance } from "fastify";

/** Listens on a free port, tells the parent process where, and ends with it. */
export async function serveBaseline(app: FastifyInstance): Promise<void> {
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  process.send?.({ type: "ready", url });
  process.once("disconnect", () => process.exit(0));
  process.once("SIGTERM", () => process.exit(0));
}
