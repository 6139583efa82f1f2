import { z } from "zod";

const problem = z
  .object({
    type: z.string().meta({ example: "/problems/invalid_request" }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().describe("What was wrong and what to do about it"),
    instance: z.string().describe("The request's id, as the server's log has it"),
  })
  .catchall(z.unknown());

/** A reply other than success, for the documentation. */
export function problemReply(description: string) {
  return { description, content: { "application/problem+json": { schema: problem } } };
}
