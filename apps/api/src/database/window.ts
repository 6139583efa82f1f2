import { z } from "zod";

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const form = /^([1-9]\d{0,2})([mhd])$/;

/** A length of time up to now, such as `15m`, `6h` or `7d`. */
export const windowText = z
  .string()
  .regex(form, "must be a number from 1 to 999 with m, h or d, such as 15m")
  .describe("How far back, such as 15m, 6h or 7d");

export function windowMs(text: string): number {
  const [, count = "0", unit = "m"] = form.exec(text) ?? [];
  // The expression allows these letters only.
  return Number(count) * units[unit as keyof typeof units];
}
