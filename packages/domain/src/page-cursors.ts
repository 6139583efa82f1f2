/**
 * Where a list that shows the newest first begins. `time` and `id`, or `time` and `address`, stand for the row
 * before the first one.
 */
export const newest = {
  time: "infinity",
  id: "ffffffff-ffff-ffff-ffff-ffffffffffff",
  address: `0x${"f".repeat(40)}`,
} as const;

/** Where a list that shows the oldest first begins. */
export const oldest = {
  time: "-infinity",
  id: "00000000-0000-0000-0000-000000000000",
} as const;
