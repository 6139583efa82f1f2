import { z } from "zod";
import { bytes } from "./config.ts";

/** What alerts are like, for the worker that looks at them and the API that shows them and stands in for it. */
export const alertVariables = {
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: "write an address such as https://millrace.example.org" })
    .transform((url) => url.replace(/\/+$/, ""))
    .optional()
    .describe("how people reach the API, for the links in what is told of alerts"),
  ALERT_WEBHOOK_SECRET: z.string().min(16).optional().describe("signs what is sent to the plain webhooks"),
  DATABASE_DISK_BYTES: bytes({ min: 1 }).optional().describe("what the disk of PostgreSQL holds, to foretell its end"),
  ALERT_RULES: z.string().optional().describe("a JSON file that changes, adds or turns off rules of alerts"),
};
