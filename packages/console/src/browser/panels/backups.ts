import { h } from "preact";
import * as format from "../format.ts";
import { useLoaded } from "../loading.ts";
import { figure, Grid, rowTitle } from "../parts/grid.ts";
import { nothing, Panel } from "../parts/panel.ts";
import { status } from "../parts/status.ts";
import type { Backups as BackupsReply } from "../replies.ts";
import { h3, li, span, td, tr, ul, type View } from "../tags.ts";

type Backup = BackupsReply["backups"][number];
type Drill = BackupsReply["drills"][number];

/** The backups there are, and whether they could be restored when that was tried. */
export function Backups({ now }: { readonly now: number }): View {
  const loaded = useLoaded<BackupsReply>("/database/backups", 60_000);
  const { directory = null, looked_at = null, backups = [], drills = [] } = loaded.value ?? {};
  const note = directory === null ? undefined : `${directory}, looked at ${format.ago(looked_at, now)}`;
  return h(
    Panel,
    { id: "backups", title: "Backups", note, loaded },
    backups.length === 0
      ? nothing("None is known of. npm run backup -- create makes one; a worker with BACKUP_DIR tells of it.")
      : h(
          Grid,
          {
            label: "Backups",
            columns: [
              { title: "Backup" },
              { title: "Made", isNumber: true },
              { title: "Size", isNumber: true },
              { title: "Verified" },
            ],
          },
          backups
            .slice(0, 10)
            .map((one) =>
              tr(
                { key: one.id },
                rowTitle(one.id),
                figure(format.ago(one.ended_at, now)),
                figure(format.bytes(one.bytes)),
                td(null, stateOf(one, now)),
              ),
            ),
        ),
    drills.length > 0 && h3(null, "Restored for trial"),
    drills.length > 0 && ul({ class: "events" }, ...drills.slice(0, 5).map((drill) => drillItem(drill, now))),
  );
}

function stateOf({ verified_at, damage }: Backup, now: number): View {
  if (damage !== null) return status("critical", damage);
  return verified_at === null ? status("muted", "not yet") : status("ok", format.ago(verified_at, now));
}

function drillItem({ at, backup_id, outcome, rto_ms, rpo_ms, error }: Drill, now: number): View {
  const took = `${backup_id}: back in ${format.duration(rto_ms)}, lacking ${format.duration(rpo_ms)}`;
  return li(
    { key: at },
    status(outcome === "sound" ? "ok" : "critical", outcome),
    span({ class: "note" }, `${format.ago(at, now)}, ${error ?? took}`),
  );
}
