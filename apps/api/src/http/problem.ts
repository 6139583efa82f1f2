import { CacheAwayError } from "@millrace/cache";
import { isPassing, sqlStateOf } from "@millrace/db";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";

export interface ProblemOptions {
  readonly status: number;
  /** Stable and for programs; the last part of the problem's `type`. */
  readonly code: string;
  /** What was wrong with this request and what to do about it. */
  readonly detail: string;
  readonly title?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the problem document. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An answer other than success, sent as `application/problem+json` (RFC 9457). */
export class HttpProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor({ status, code, detail, title, headers = {}, members = {}, cause }: ProblemOptions) {
    super(detail, { cause });
    this.name = "HttpProblem";
    this.status = status;
    this.code = code;
    this.title = title ?? sentenceOf(code);
    this.headers = headers;
    this.members = members;
  }
}

/** 503 for a fault that will pass by itself: the client may send the very same request again. */
export function unavailable(code: string, detail: string, cause?: unknown): HttpProblem {
  return new HttpProblem({ status: 503, code, detail, headers: { "retry-after": "2" }, cause });
}

/** The problem that an error stands for. Errors that nobody foresaw tell the client nothing about the inside. */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map((issue) => ({
      parameter: issue.instancePath.slice(1).replaceAll("/", "."),
      message: issue.message ?? "is not valid",
    }));
    const detail = errors
      .map(({ parameter, message }) => (parameter ? `${parameter}: ${message}` : message))
      .join("; ");
    return new HttpProblem({ status: 400, code: "invalid_request", detail, members: { errors } });
  }
  if (error instanceof CacheAwayError) {
    return unavailable("cache_unavailable", "The cache's Redis does not answer; try again", error);
  }
  const fastify = problemOfFastify(error);
  if (fastify !== undefined) return fastify;
  if (sqlStateOf(error) === "57014" || (error instanceof Error && error.message === "Query read timeout")) {
    return unavailable("database_timeout", "The database took too long; try again, or ask for a smaller range", error);
  }
  if (isDatabaseFault(error))
    return unavailable("database_unavailable", "The database is not available; try again", error);
  return new HttpProblem({
    status: 500,
    code: "internal_error",
    detail: "The server failed; the fault is in its log under this request's id",
    cause: error,
  });
}

function problemOfFastify(error: unknown): HttpProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  const { statusCode, code, message } = error as Partial<FastifyError> & Error; // both are read as optional
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new HttpProblem({
        status: 413,
        code: "body_too_large",
        detail: "The body is too large; send fewer events",
      });
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new HttpProblem({ status: 415, code: "unsupported_media_type", detail: message });
    case "FST_ERR_BAD_URL":
      return new HttpProblem({
        status: 400,
        code: "malformed_path",
        detail: "The path cannot be decoded; each % must begin a character of UTF-8, encoded as %XX",
      });
    case "FST_ERR_MAX_PARAM_LENGTH":
      return new HttpProblem({ status: 414, code: "path_too_long", detail: "A part of the path is too long" });
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return new HttpProblem({ status: 400, code: "incomplete_body", detail: message });
    default:
      return statusCode !== undefined && statusCode >= 400 && statusCode < 500
        ? new HttpProblem({ status: statusCode, code: "invalid_request", detail: message })
        : undefined;
  }
}

/** What `pg` and Node say when PostgreSQL is away or the pool is exhausted. */
function isDatabaseFault(error: unknown): boolean {
  if (sqlStateOf(error) !== undefined) return isPassing(error);
  if (!(error instanceof Error)) return false;
  const code = (error as NodeJS.ErrnoException).code ?? ""; // read as optional
  return (
    ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN"].includes(code) ||
    /Connection terminated|timeout exceeded when trying to connect|connection timeout/i.test(error.message)
  );
}

export function sendProblem(problem: HttpProblem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return (
    reply
      .code(problem.status)
      .headers(problem.headers)
      .header("content-type", "application/problem+json")
      // Where no hook of ours has run, as for a path that cannot be decoded, nobody else has said it.
      .header("x-request-id", request.id)
      .send(
        JSON.stringify({
          type: `/problems/${problem.code}`,
          title: problem.title,
          status: problem.status,
          detail: problem.message,
          instance: request.id,
          ...problem.members,
        }),
      )
  );
}

function sentenceOf(code: string): string {
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
