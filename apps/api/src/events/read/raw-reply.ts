import type { Readable } from "node:stream";
import type { FastifyReply } from "fastify";

/** Sends JSON text as it is. As bytes it is not taken for a value that has yet to be written as JSON. */
export function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.type("application/json; charset=utf-8").send(Buffer.from(json));
}

/** Sends a stream as a file to be saved. If it fails, the connection is cut, and the client sees that the body is not whole. */
export function sendFile(
  reply: FastifyReply,
  { stream, mediaType, name }: { stream: Readable; mediaType: string; name: string },
): FastifyReply {
  return reply
    .header("content-type", mediaType)
    .header("content-disposition", `attachment; filename="${name}"`)
    .send(stream);
}

/** Sends server-sent events (WHATWG HTML). Caches and nginx, which would hold them back, are told not to. */
export function sendEventStream(reply: FastifyReply, stream: Readable): FastifyReply {
  return reply
    .headers({ "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" })
    .send(stream);
}
