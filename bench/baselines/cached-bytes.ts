/** What a cached read cannot be faster than: a route that answers the same bytes, from a variable or by one GET of Redis. */
import process from "node:process";
import Fastify from "fastify";
import { Redis } from "ioredis";
import { serveBaseline } from "./serve.ts";

const [redisUrl = "", bytes = "{}"] = process.argv.slice(2);
const redis = new Redis(redisUrl, { enableAutoPipelining: true });
await redis.set("bench:cached-bytes", bytes);
const body = Buffer.from(bytes);
const app = Fastify();
app.get("/bare", (_request, reply) => {
  reply.header("content-type", "application/json; charset=utf-8").send(body);
});
app.get("/bare-text", (_request, reply) => {
  reply.header("content-type", "application/json; charset=utf-8").send(bytes);
});
app.get("/redis", async (_request, reply) => {
  const found = await redis.getBuffer("bench:cached-bytes");
  return reply.header("content-type", "application/json; charset=utf-8").send(found);
});
await serveBaseline(app);
