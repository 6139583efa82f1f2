/** What HTTP alone costs: a Fastify route that parses the same body and answers. */
import Fastify from "fastify";
import { serveBaseline } from "./serve.ts";

const app = Fastify({ bodyLimit: 10 * 1_024 ** 2 });
app.post<{ Body: unknown }>("/v1/events", (request, reply) => {
  const accepted = Array.isArray(request.body) ? request.body.length : 1;
  return reply.code(202).send({ accepted, rejected: [] });
});
await serveBaseline(app);
