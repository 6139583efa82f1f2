import { z } from "zod";

/** What alerts are like, for the worker that evaluates them and the API that shows them. */
export const alertVariables = {
  ALERT_RULES: z.string().optional().describe("a JSON file that changes, adds or turns off rules of alerts"),
};
