import type { MigrationStatus } from "@millrace/db";

const headings = ["version", "migration", "state", "applied at", "took", "files"];

/** The status of each migration as lines of a table. */
export function statusTable(statuses: readonly MigrationStatus[]): string[] {
  const rows = [headings, ...statuses.map(cellsOf)];
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function cellsOf({ version, id, state, appliedAt, durationMs, isUnedited }: MigrationStatus): string[] {
  return [
    String(version).padStart(4, "0"),
    id.slice(5),
    state,
    appliedAt?.toISOString().slice(0, 19).replace("T", " ") ?? "",
    durationMs === null ? "" : `${durationMs} ms`,
    filesOf(state, isUnedited),
  ];
}

function filesOf(state: MigrationStatus["state"], isUnedited: boolean | null): string {
  if (state === "missing") return "missing";
  if (isUnedited === null) return "";
  return isUnedited ? "unchanged" : "edited";
}
