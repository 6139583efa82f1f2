import type { z } from "zod";
import { parseJson } from "../events/parse-json.ts";
import { HttpProblem } from "./problem.ts";

/** The checked JSON of a body that came as bytes; `ifEmpty` stands for a body that is missing. Throws 400. */
export function jsonBodyOf<Schema extends z.ZodType>(
  body: unknown,
  schema: Schema,
  ifEmpty?: z.input<Schema>,
): z.output<Schema> {
  const isEmpty = !Buffer.isBuffer(body) || body.length === 0;
  const parsed = schema.safeParse(isEmpty ? ifEmpty : jsonOf(body.toString("utf8")));
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({ parameter: path.join("."), message }));
  const detail = errors.map(({ parameter, message }) => (parameter ? `${parameter}: ${message}` : message)).join("; ");
  throw new HttpProblem({ status: 400, code: "invalid_request", detail: `The body: ${detail}`, members: { errors } });
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw new HttpProblem({ status: 400, code: "invalid_json", detail: "The body is not JSON" });
  }
}
