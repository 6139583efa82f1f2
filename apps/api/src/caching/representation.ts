import { hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { type Codec, type Representation, representationCodec } from "@millrace/cache";
import type { FastifyReply, FastifyRequest } from "fastify";
import { HttpProblem } from "../http/problem.ts";

/** Who keeps a copy must ask each time whether it is still so. */
export const cacheControl = "private, no-cache";
export const contentType = "application/json; charset=utf-8";

/** A representation, and what is found out about it once and not for each answer. */
export interface Reply extends Representation {
  /** Of the body, in bytes. */
  readonly contentLength: string;
  /** Plain ASCII is the same in both, and cheaper to write as Latin-1. */
  readonly encoding: "latin1" | "utf8";
}

function replyOf({ etag, body }: Representation): Reply {
  const bytes = Buffer.byteLength(body);
  return { etag, body, contentLength: String(bytes), encoding: bytes === body.length ? "latin1" : "utf8" };
}

export const replyCodec: Codec<Reply> = {
  encode: representationCodec.encode,
  decode: (bytes) => replyOf(representationCodec.decode(bytes)),
};

/** A row as its reply: its version is its entity tag, which clients send back in If-Match. */
export function versioned(body: Readonly<Record<string, unknown>> & { readonly version: string }): Reply {
  return replyOf({ etag: `"${body.version}"`, body: JSON.stringify(unversioned(body)) });
}

/** A row within a list, whose entity tag is that of the list. */
export function unversioned<Row extends { readonly version: string }>({ version: _version, ...shown }: Row) {
  return shown;
}

/** Anything else as its reply; the entity tag tells whether it has changed. */
export function hashed(value: unknown): Reply {
  const body = JSON.stringify(value);
  return replyOf({ etag: `"${hash("sha1", body, "base64url").slice(0, 16)}"`, body });
}

/** Sends what was found, at once if it is at hand. */
export function sendFound(
  request: FastifyRequest,
  reply: FastifyReply,
  found: Representation | undefined | Promise<Representation | undefined>,
  notFound: () => HttpProblem,
): void {
  if (found instanceof Promise) {
    found
      .then((value) => send(request, reply, value, notFound))
      .catch((error: unknown) => {
        reply.send(error);
      });
  } else send(request, reply, found, notFound);
}

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  found: Representation | undefined,
  notFound: () => HttpProblem,
): void {
  if (found === undefined) throw notFound();
  const { etag, body } = found;
  reply.headers({ etag, "cache-control": cacheControl });
  if (isKnownBy(request.headers, etag)) reply.code(304).send();
  else reply.header("content-type", contentType).send(body);
}

/** Whether the client has just this already (RFC 9110, 13.1.2). */
export function isKnownBy({ "if-none-match": header }: IncomingHttpHeaders, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === "*" || header.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}

/** The version that a client names in If-Match; `undefined` when it names none. */
export function expectedVersionIn(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const version = /^"(\d{1,18})"$/.exec(header.trim())?.[1];
  if (version === undefined) {
    throw new HttpProblem({
      status: 400,
      code: "invalid_if_match",
      detail: 'If-Match must be the ETag of what you read, such as "3" with its quotes',
    });
  }
  return version;
}
