import type { UserRow } from "@millrace/domain";
import { z } from "zod";
import { timeText } from "../http/time-text.ts";

export const user = z.object({
  address: z.string(),
  display_name: z.string().nullable(),
  profile: z.record(z.string(), z.unknown()),
  created_at: z.string(),
  updated_at: z.string(),
});

/** A row, from PostgreSQL or from JSON, as the API shows it. When the user was last seen is not part of the profile. */
export function userOf({ address, display_name, profile, created_at, updated_at, version }: UserRow) {
  return {
    address,
    display_name,
    profile,
    created_at: timeText(created_at),
    updated_at: timeText(updated_at),
    version: String(version),
  };
}
