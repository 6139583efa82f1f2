import { z } from "zod";
import { canonicalTimeOf } from "../event-time.ts";
import { isTooDeep, unstorableCharacterIn } from "../json-limits.ts";
import { NumberOutOfRangeError, parseJson } from "../parse-json.ts";

const maxDepth = 64;

/** Text that PostgreSQL can compare with: it has no NUL character and no lone surrogate. */
const text = z
  .string()
  .refine((value) => !unstorableCharacterIn(value), "must not have a NUL character or a lone surrogate");

const time = z.string().transform((value, context) => {
  const canonical = canonicalTimeOf(value);
  if (canonical === undefined) {
    context.addIssue(
      "must be an RFC 3339 timestamp such as 2026-11-23T10:00:00Z; write the + of a zone as %2B in a URL, or use Z",
    );
  }
  return canonical ?? z.NEVER;
});

const json = z.string().superRefine((value, context) => {
  const fault = faultOfJson(value);
  if (fault !== undefined) context.addIssue(fault);
});

function faultOfJson(value: string): string | undefined {
  try {
    // Only numbers that stand after something are looked at, and this may be nothing but a number.
    const parsed = parseJson(` ${value}`);
    if (isTooDeep(parsed, maxDepth)) return `must not be nested more than ${maxDepth} deep`;
    return unstorableCharacterIn(parsed) ? "must not have a NUL character or a lone surrogate" : undefined;
  } catch (error) {
    if (error instanceof NumberOutOfRangeError) return error.message;
    return 'must be JSON, URL-encoded: data={"host":"a"} is written data=%7B%22host%22%3A%22a%22%7D';
  }
}

const source = text.optional().describe("Only events of this source").meta({ example: "/plants/4/press" });
const type = text.optional().describe("Only events of this type").meta({ example: "press.cycle" });

/** Query parameters that say which events are asked for; all that are given must hold. */
export const filterParams = {
  source,
  type,
  subject: text.optional().describe("Only events about this subject").meta({ example: "press-7" }),
  from: time
    .optional()
    .describe("Only events with this time or a later one (RFC 3339)")
    .meta({ example: "2026-11-01T00:00:00Z" }),
  to: time.optional().describe("Only events before this time (RFC 3339)").meta({ example: "2026-12-01T00:00:00Z" }),
  data: json
    .optional()
    .describe(
      "Only events whose data contains this JSON, as PostgreSQL's @> has it: objects may have more members, arrays more elements",
    )
    .meta({ example: '{"host":"a"}' }),
};

/** Query parameters that say which page of a list is asked for. */
export const pageParams = {
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe("Most events of a page"),
  cursor: z.string().optional().describe("Where the page before ended, from its next; the filters must be the same"),
};

export const eventKeyParams = {
  source: source.describe("The event's source; an id is unique only within its source"),
  time: time.optional().describe("The event's time, if the source gave one id to several events").meta({
    example: "2026-11-23T10:00:00.123456Z",
  }),
};

export const statsParams = { source, type, from: filterParams.from, to: filterParams.to };

export const eventId = text.min(1).describe("The event's id, percent-encoded where it has reserved characters").meta({
  example: "0199e1f3-4c1b-7e4e-9b0a-2f5b6c7d8e9f",
});
