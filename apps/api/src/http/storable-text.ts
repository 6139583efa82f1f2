import { z } from "zod";
import { unstorableCharacterIn } from "../events/json-limits.ts";

/** Text of so many characters that PostgreSQL can store: without a NUL character or a lone surrogate. */
export function storableText(min: number, max: number) {
  return z
    .string()
    .min(min)
    .refine((text) => [...text].length <= max, `must have at most ${max} characters`)
    .refine((text) => !unstorableCharacterIn(text), "must not have a NUL character or a lone surrogate");
}
