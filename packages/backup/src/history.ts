import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/** Something that was tried with a backup, and how it went. */
const trial = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("verify"),
    at: z.iso.datetime(),
    backupId: z.string(),
    /** What is damaged or missing; null when it is whole. */
    damage: z.string().nullable(),
  }),
  z.object({
    kind: z.literal("drill"),
    at: z.iso.datetime(),
    backupId: z.string(),
    isOk: z.boolean(),
    rtoMs: z.number().nullable(),
    rpoMs: z.number().nullable(),
    error: z.string().nullable(),
  }),
]);

export type Trial = z.output<typeof trial>;

/** A line of JSON for each trial, beside the backups: it must outlive the database that they are of. */
const historyFile = "history.ndjson";

/** A folder that cannot be written to keeps no history; what was found is told all the same. */
export async function noteTrial(directory: string, found: Trial): Promise<void> {
  await appendFile(join(directory, historyFile), `${JSON.stringify(found)}\n`, { mode: 0o600 }).catch(() => {});
}

/** All that is known of, the oldest first. Lines that were cut short, or are of another version, are left out. */
export async function readHistory(directory: string): Promise<Trial[]> {
  const text = await readFile(join(directory, historyFile), "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    const read = trial.safeParse(parsed(line));
    return read.success ? read.data : [];
  });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
