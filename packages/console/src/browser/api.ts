/** What the API says went wrong (RFC 9457). */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.status = status;
  }
}

/** Reads JSON. Rejects with an `ApiError`; who is not signed in any more is led to signing in. */
export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await ask(path, signal === undefined ? {} : { signal })) as T; // as the API's own document says
}

/** Sends JSON, and gives what comes back. */
export async function send<T>(method: "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  return (await ask(path, { method, ...content })) as T; // as the API's own document says
}

async function ask(path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, credentials: "same-origin", cache: "no-store" });
  } catch (cause) {
    throw new ApiError(0, "The API does not answer", { cause });
  }
  if (response.status === 401) signIn();
  if (!response.ok) throw new ApiError(response.status, await detailOf(response));
  return response.status === 204 ? undefined : await response.json();
}

/** Leaves for the page where one signs in, and comes back. */
export function signIn(): void {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.hash)}`);
}

async function detailOf(response: Response): Promise<string> {
  try {
    const problem: unknown = await response.json();
    if (typeof problem === "object" && problem !== null && "detail" in problem) return String(problem.detail);
  } catch {
    // Something in between has answered.
  }
  return `The API answered ${response.status}`;
}
