/** What many services do next: a BullMQ job an event. A request's jobs go to Redis in one `addBulk`. */
import { Queue } from "bullmq";
import Fastify from "fastify";
import { Redis } from "ioredis";
import type { IncomingEvent } from "./event-insert.ts";
import { serveBaseline } from "./serve.ts";

const queue = new Queue("naive", {
  connection: new Redis(process.argv[3] ?? "", { maxRetriesPerRequest: null }),
  defaultJobOptions: { removeOnComplete: true, attempts: 3 },
});
const app = Fastify({ bodyLimit: 10 * 1_024 ** 2 });
app.post<{ Body: IncomingEvent[] }>("/v1/events", async (request, reply) => {
  await queue.addBulk(request.body.map((data) => ({ name: "event", data })));
  return reply.code(202).send({ accepted: request.body.length, rejected: [] });
});
await serveBaseline(app);
