/** What many services do first: a Fastify route that INSERTs each event and answers after its COMMIT. */
import Fastify from "fastify";
import pg from "pg";
import { type IncomingEvent, insertOf, poolOptions } from "./event-insert.ts";
import { serveBaseline } from "./serve.ts";

const pool = new pg.Pool(poolOptions(process.argv[2] ?? ""));
const app = Fastify();
app.post<{ Body: IncomingEvent }>("/v1/events", async (request, reply) => {
  await pool.query(insertOf(request.body));
  return reply.code(202).send({ accepted: 1, rejected: [] });
});
await serveBaseline(app);
