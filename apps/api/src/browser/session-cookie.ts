import { sessionCookie } from "@millrace/access";
import type { FastifyRequest } from "fastify";

/** A `Set-Cookie` header with the session's token, until the session is over. */
export function cookieOf(request: FastifyRequest, token: string, expiresAt: Date): string {
  const seconds = Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1_000));
  return `${sessionCookie}=${token}; ${attributesOf(request, seconds)}`;
}

/** A `Set-Cookie` header that has the browser forget the token. */
export function forgottenCookie(request: FastifyRequest): string {
  return `${sessionCookie}=; ${attributesOf(request, 0)}`;
}

function attributesOf(request: FastifyRequest, maxAgeSeconds: number): string {
  const secure = isSecure(request) ? "; Secure" : "";
  return `Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`;
}

/**
 * Whether the browser came by HTTPS. TLS ends at a proxy, so it is the browser's own `Origin` that tells, or the
 * proxy; that somebody could claim it falsely makes their own cookie stricter and nothing else.
 */
function isSecure({ protocol, headers }: FastifyRequest): boolean {
  const forwarded = String(headers["x-forwarded-proto"] ?? "");
  return protocol === "https" || (headers.origin ?? "").startsWith("https://") || /^https\b/i.test(forwarded);
}
