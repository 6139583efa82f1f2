import { z } from "zod";
import { webhookOf } from "./webhook.ts";

/** The variable that says where alerts are told. */
export const alertWebhooks = z
  .string()
  .transform((text, context) =>
    text.split(",").flatMap((one) => {
      const webhook = webhookOf(one);
      if (webhook === undefined) context.addIssue("write https://…, slack+https://… or alertmanager+http://…");
      return webhook ?? [];
    }),
  )
  .optional()
  .describe("where alerts are told, separated by commas: https://…, slack+https://…, alertmanager+http://…");
