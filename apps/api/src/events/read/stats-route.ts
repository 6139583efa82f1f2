import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { HttpProblem } from "../../http/problem.ts";
import { bucketsOf, countEvents, type Interval, intervals, maxTypes } from "./count-events.ts";
import { freshnessHeaders, type ReadsOf } from "./freshness.ts";
import { statsParams } from "./query-schemas.ts";
import { commonProblems } from "./reply-schemas.ts";

const maxBuckets = 1_500;
const dayMs = 86_400_000;

// Object.keys knows only strings; these are the keys of the very object that Interval is made of.
const intervalNames = Object.keys(intervals) as [Interval, ...Interval[]];

const query = z.strictObject({
  ...statsParams,
  from: statsParams.from.describe("Count events with this time or a later one; a day before `to` if left out"),
  to: statsParams.to.describe("Count events before this time; now if left out"),
  interval: z.enum(intervalNames).default("1h").describe("Length of a bucket; 1w begins on Monday"),
});

const counts = z.array(z.int()).describe("One count for each of `buckets`, 0 where there were no events");

const stats = z.object({
  from: z.string(),
  to: z.string(),
  interval: z.enum(intervalNames),
  total: z.int().describe("Events in the range"),
  buckets: z
    .array(z.string())
    .describe(
      "Start of each bucket, aligned to the clock in UTC. Of the first and last, only the part within from and to counts",
    )
    .meta({ example: ["2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"] }),
  types: z
    .array(z.object({ type: z.string(), total: z.int(), counts }))
    .describe(`The ${maxTypes} most frequent types, most frequent first`),
  other: z
    .object({ types: z.int().describe("How many further types there were"), total: z.int(), counts })
    .describe("All further types together"),
});

export function registerStats(app: FastifyInstance, { readsOf }: { readsOf: ReadsOf }): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/v1/events/stats",
    {
      config: { scope: "read" },
      schema: {
        tags: ["events"],
        summary: "Count events by type and interval",
        description: `At most ${maxBuckets} buckets; those without events are there with 0.`,
        querystring: query,
        headers: freshnessHeaders,
        response: { 200: stats.describe("The counts"), ...commonProblems },
      },
    },
    async (request) => {
      const { interval, source, type, ...given } = request.query;
      const { from, to } = rangeOf(given);
      const buckets = bucketsOf(from, to, interval);
      if (buckets.count > maxBuckets) throw tooManyBuckets(buckets.count);
      const { series, types } = await countEvents(readsOf(request), { source, type, from, to }, buckets);
      const named = series.flatMap(({ type: name, ...ofType }) =>
        name === undefined ? [] : [{ type: name, ...ofType }],
      );
      const other = series.find(({ type: name }) => name === undefined);
      return {
        from,
        to,
        interval,
        total: series.reduce((sum, { total }) => sum + total, 0),
        buckets: Array.from({ length: buckets.count }, (_, index) => timeOf(buckets.first + index * buckets.seconds)),
        types: named,
        other: {
          types: types - named.length,
          total: other?.total ?? 0,
          counts: other?.counts ?? new Array<number>(buckets.count).fill(0),
        },
      };
    },
  );
}

function rangeOf({ from, to = new Date().toISOString() }: { from?: string | undefined; to?: string | undefined }) {
  const start = from ?? new Date(Date.parse(to) - dayMs).toISOString();
  if (Date.parse(start) >= Date.parse(to)) {
    throw new HttpProblem({
      status: 400,
      code: "empty_range",
      detail: `from must be before to; from is ${start}, to is ${to}`,
    });
  }
  return { from: start, to };
}

function timeOf(seconds: number): string {
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}Z`;
}

function tooManyBuckets(count: number): HttpProblem {
  return new HttpProblem({
    status: 400,
    code: "too_many_buckets",
    detail: `The range has ${count} buckets of this interval; ${maxBuckets} are allowed: take a longer interval or a shorter range`,
  });
}
