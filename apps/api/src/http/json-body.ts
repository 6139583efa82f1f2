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
  return checked(isEmpty ? ifEmpty : jsonOf(body.toString("utf8")), schema, "The body: ");
}

/** The value as the schema gives it. Throws 400 with everything that is wrong with it. */
export function checked<Schema extends z.ZodType>(value: unknown, schema: Schema, begin = ""): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({ parameter: path.join("."), message }));
  const detail = errors.map(({ parameter, message }) => (parameter ? `${parameter}: ${message}` : message)).join("; ");
  throw new HttpProblem({ status: 400, code: "invalid_request", detail: `${begin}${detail}`, members: { errors } });
}

/** For routes whose bodies come as bytes: what the request says is checked by the handler. */
export const unchecked = { validatorCompiler: () => (data: unknown) => ({ value: data }) };

function jsonOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw new HttpProblem({ status: 400, code: "invalid_json", detail: "The body is not JSON" });
  }
}
