import { z } from "zod";
import { problemReply } from "../../http/problem-reply.ts";

const time = (description: string) => z.string().describe(description).meta({ example: "2026-11-23T10:00:00.123456Z" });

/** An event as it is read. Documentation only: replies are put together from PostgreSQL's own text. */
export const event = z
  .object({
    specversion: z.literal("1.0"),
    id: z.string().meta({ example: "0199e1f3-4c1b-7e4e-9b0a-2f5b6c7d8e9f" }),
    source: z.string().meta({ example: "/plants/4/press" }),
    type: z.string().meta({ example: "press.cycle" }),
    subject: z.string().optional().meta({ example: "press-7" }),
    time: time("UTC, always with six digits of fraction, so that times sort as text"),
    receivedat: time("When Millrace accepted the event; set by Millrace, whatever the sender wrote"),
    data: z
      .unknown()
      .optional()
      .describe("The payload; numbers have all their digits. Left out when the event has none")
      .meta({ example: { milliseconds: 412.5 } }),
  })
  .catchall(z.unknown())
  .describe("CloudEvents attributes, further ones beside them, and receivedat");

export const commonProblems = {
  400: problemReply("A parameter is wrong; detail names it and says how to write it"),
  503: problemReply("The database is not available or took too long; Retry-After says when to try again"),
};
