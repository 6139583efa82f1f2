import { createHash } from "node:crypto";
import { z } from "zod";
import { HttpProblem } from "../../http/problem.ts";
import { canonicalTimeOf } from "../event-time.ts";

/** Where a page ended: the key of its last event. */
export interface Position {
  readonly time: string;
  readonly id: string;
  readonly source: string;
  /** Where the list is in order of receipt. */
  readonly receivedAt?: string | undefined;
}

type Filters = Readonly<Record<string, string | undefined>>;

const text = z.string().refine((value) => !value.includes("\u0000"));
const time = text.refine((value) => canonicalTimeOf(value) === value);
const content = z.tuple([time, text, text, z.string(), time.optional()]);

/** An opaque text for the position. It is good only for the filters of the page that it came with. */
export function cursorOf({ time, id, source, receivedAt }: Position, filters: Filters): string {
  const content = [time, id, source, digestOf(filters), ...(receivedAt === undefined ? [] : [receivedAt])];
  return Buffer.from(JSON.stringify(content)).toString("base64url");
}

/** The position that `cursorOf` was given. Throws a problem with status 400 for any other text or other filters. */
export function positionOf(cursor: string, filters: Filters): Position {
  const parsed = content.safeParse(jsonOf(Buffer.from(cursor, "base64url").toString()));
  if (!parsed.success) {
    throw invalidCursor(
      "The cursor is not one that this server gave; follow next of the page before, or leave cursor out",
    );
  }
  const [time, id, source, digest, receivedAt] = parsed.data;
  if (digest !== digestOf(filters)) {
    throw invalidCursor(
      "The cursor belongs to other filters; send it with those of its page, or leave it out to start again",
    );
  }
  return { time, id, source, receivedAt };
}

function jsonOf(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

function digestOf(filters: Filters): string {
  const inUse = Object.entries(filters).filter(([, value]) => value !== undefined);
  const canonical = JSON.stringify(inUse.sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash("sha256").update(canonical).digest("base64url").slice(0, 11);
}

function invalidCursor(detail: string): HttpProblem {
  return new HttpProblem({ status: 400, code: "invalid_cursor", detail });
}
