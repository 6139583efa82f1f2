import { within } from "@millrace/runtime";
import { z } from "zod";
import type { Counts } from "./figures.ts";
import type { OwnHistory } from "./own-history.ts";
import { performanceFigures, performanceIn } from "./performance.ts";

const minutes = [1, 5, 15] as const;

/** How it went in the last minutes. */
export const performanceReport = z.object({
  at: z.string(),
  of: z.enum(["fleet", "process"]).describe("All processes, or only the one that was asked"),
  detail: z.string().nullable().describe("Why it is not known of all"),
  last_minute: performanceFigures.nullable(),
  last_5_minutes: performanceFigures.nullable(),
  last_15_minutes: performanceFigures.nullable().describe("null in the first seconds of the process that was asked"),
});

export type PerformanceReport = z.output<typeof performanceReport>;

export interface PerformanceNeeds {
  /** What all processes counted in the last so many minutes, for each of several numbers. May reject, and may hang. */
  readonly fleetMinutes: (
    spans: readonly number[],
  ) => Promise<readonly { readonly seconds: number; readonly figures: Counts }[]>;
  readonly own: Pick<OwnHistory, "since">;
}

/** What does not answer so soon is not known. */
const patienceMs = 1_500;

/** Of the fleet while its records can be read, else of this process alone. */
export async function reportPerformance({ fleetMinutes, own }: PerformanceNeeds): Promise<PerformanceReport> {
  const at = new Date().toISOString();
  try {
    const spans = await within(patienceMs, fleetMinutes(minutes));
    const [one = null, five = null, fifteen = null] = spans.map(({ seconds, figures }) =>
      performanceIn(figures, seconds),
    );
    return { at, of: "fleet", detail: null, last_minute: one, last_5_minutes: five, last_15_minutes: fifteen };
  } catch (error) {
    const [one, five, fifteen] = minutes.map((span) => own.since(span * 60_000));
    const figuresOf = (span: typeof one) => (span ? performanceIn(span.counts, span.ms / 1_000) : null);
    return {
      at,
      of: "process",
      detail: `PostgreSQL does not tell of the others: ${error instanceof Error ? error.message : String(error)}`,
      last_minute: figuresOf(one),
      last_5_minutes: figuresOf(five),
      last_15_minutes: figuresOf(fifteen),
    };
  }
}
