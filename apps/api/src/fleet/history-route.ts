import { percentilesOf, sketchIn } from "@millrace/fleet";
import type { FleetMinute } from "@millrace/upkeep";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";

const rate = z.number().min(0).describe("Per second");
const minute = z.object({
  at: z.string().describe("When it began"),
  accepted: rate,
  committed: rate,
  accept_to_commit: z.object({
    p50_ms: z.number().nullable(),
    p99_ms: z.number().nullable(),
    samples: z.number().min(0),
  }),
});

export interface HistoryNeeds {
  /** The last so many whole minutes, the oldest first. */
  readonly wholeMinutes: (minutes: number) => Promise<readonly FleetMinute[]>;
}

/** Adds `GET /live/history`: what charts of live figures begin with. */
export function registerHistory(app: FastifyInstance, { wholeMinutes }: HistoryNeeds): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/live/history",
    {
      config: { scope: "read" },
      schema: {
        tags: ["fleet"],
        summary: "What the fleet took in and stored in each of the last minutes",
        description:
          "The oldest first, without the minute that it is, and without minutes in which nothing was counted.",
        querystring: z.strictObject({ minutes: z.coerce.number().int().min(1).max(1_440).default(30) }),
        response: { 200: z.object({ minutes: z.array(minute) }) },
      },
    },
    async (request) => ({ minutes: (await wholeMinutes(request.query.minutes)).map(shown) }),
  );
}

function shown({ begin, figures }: FleetMinute): z.input<typeof minute> {
  return {
    at: begin.toISOString(),
    accepted: (figures["events_accepted"] ?? 0) / 60,
    committed: (figures["rows_committed"] ?? 0) / 60,
    accept_to_commit: percentilesOf(sketchIn(figures, "accept_to_commit")),
  };
}
