import { z } from "zod";
import { problemReply } from "../http/problem-reply.ts";
import { rejectionCodes } from "./parse-event.ts";

const sentEvent = z
  .looseObject({
    source: z.string().min(1).describe("Where it comes from, a URI reference; at most 1,024 bytes"),
    type: z.string().min(1).describe("What happened; at most 512 bytes"),
    id: z.string().min(1).optional().describe("Names the event within its source; a UUIDv7 is made if there is none"),
    subject: z.string().min(1).optional().describe("What of the source it is about; at most 1,024 bytes"),
    time: z.iso
      .datetime({ offset: true })
      .optional()
      .describe("When it happened (RFC 3339); if left out, the time in a UUIDv7 id, or else that of arrival"),
    data: z.unknown().optional().describe("Any JSON, nested at most 64 deep; every number keeps all its digits"),
  })
  .describe("CloudEvents attributes; further ones are kept as they are")
  .meta({
    example: { source: "/plants/4/press", type: "press.cycle", subject: "press-7", data: { milliseconds: 412.5 } },
  });

/** For the documentation: `parseEvent` is what checks events. */
export const requestBody = z
  .union([sentEvent, z.array(sentEvent).min(1)])
  .describe("One event or an array of events; as NDJSON one event a line");

export const requestHeaders = z.object({
  "idempotency-key": z
    .string()
    .optional()
    .describe("Requests with the same key within a day have the effect and the answer of one"),
  "content-encoding": z.enum(["gzip", "deflate", "zstd", "identity"]).optional().describe("How the body is packed"),
});

const rejection = z.object({
  index: z.int().min(0).describe("Which event of the request, from 0"),
  code: z.enum(rejectionCodes),
  message: z.string(),
});

const accepted = z
  .object({
    accepted: z.int().min(0).describe("Events that are in the queue and will be in the database exactly once"),
    rejected: z.array(rejection).describe("Events that will not be stored, and why; the others are not affected"),
  })
  .describe("The queue has the accepted events");

export const ingestReplies = {
  202: accepted,
  400: problemReply("No event is good (`rejected` says why of each), or the body is no JSON at all"),
  413: problemReply("Too many bytes, before or after decompression, or too many events; send several requests"),
  415: problemReply("A Content-Type or Content-Encoding that is not known"),
  422: problemReply("JSON that is neither an event nor an array of events, or an Idempotency-Key of another body"),
  429: problemReply("The key has sent what it may; Retry-After and RateLimit say when it may send again"),
  503: problemReply("It is not known what was stored: send the same events again after Retry-After seconds"),
};
