import { z } from "zod";
import { CommandError } from "./command-error.ts";

/** Sends a request to the API and gives its JSON. Rejects with a `CommandError` that says what went wrong. */
export type CallApi = (method: string, path: string, body?: object) => Promise<unknown>;

export function createApiCalls(url: string, key: string): CallApi {
  return async (method, path, body) => {
    const response = await fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    }).catch((error: unknown) => {
      const { cause } = error instanceof Error ? error : { cause: error };
      const reason = cause instanceof Error ? cause.message : String(cause ?? error);
      throw new CommandError(`${url} does not answer: ${reason}. Start Millrace, or give its address with --url.`, 1);
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer;
    const { detail = response.statusText } = z.object({ detail: z.string().optional() }).catch({}).parse(answer);
    throw new CommandError(`${url} answered ${response.status}: ${detail}`, 1);
  };
}
