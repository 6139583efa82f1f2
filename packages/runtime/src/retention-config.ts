import { z } from "zod";
import { bytes, integer } from "./config.ts";

/** For how long partitions are kept, for the worker and the command that does the same by hand. */
export const retentionVariables = {
  PARTITION_RETENTION_DAYS: integer({ min: 1 }).optional().describe("older months are taken out; never if not set"),
  PARTITION_RETENTION_BYTES: bytes({ min: 1 })
    .optional()
    .describe("the oldest months are taken out until the rest takes no more; never if not set"),
  PARTITION_GRACE_DAYS: integer({ max: 3_650 }).default(7).describe("a month that was taken out is dropped after this"),
  PARTITION_EXPORT_DIR: z.string().optional().describe("where months are written before they are dropped"),
};

interface ReadRetentionVariables {
  readonly PARTITION_RETENTION_DAYS?: number | undefined;
  readonly PARTITION_RETENTION_BYTES?: number | undefined;
  readonly PARTITION_GRACE_DAYS: number;
  readonly PARTITION_EXPORT_DIR?: string | undefined;
}

/** The policy that these variables make. */
export function retentionOf(read: ReadRetentionVariables) {
  return {
    maxAgeDays: read.PARTITION_RETENTION_DAYS,
    maxBytes: read.PARTITION_RETENTION_BYTES,
    graceDays: read.PARTITION_GRACE_DAYS,
    exportDir: read.PARTITION_EXPORT_DIR,
  };
}
