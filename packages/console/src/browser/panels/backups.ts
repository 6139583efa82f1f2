import { h } from "preact";
import * as format from "../format.ts";
import { useLoaded } from "../loading.ts";
import { figure, Grid, rowTitle } from "../parts/grid.ts";
import { nothing, Panel } from "../parts/panel.ts";
import { status } from "../parts/status.ts";
import type { Backups as BackupsReply } from "../replies.ts";
import { li, ol, span, td, tr, type View } from "../tags.ts";

/** The backups there are, and whether they could be restored when that was tried. */
export function Backups({ now }: { readonly now: number }): View {
  const loaded = useLoaded<BackupsReply>("/database/backups", 60_000);
  const { backups = [], drills = [] } = loaded.value ?? {};
  return h(
    Panel,
    { id: "backups", title: "Backups", note: loaded.value?.directory ?? undefined, loaded },
    backups.length === 0
      ? nothing("There is none that is known of: `npm run backup -- create` makes one.")
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
                figure(format.ago(one.ended_at ?? one.started_at, now)),
                figure(format.bytes(one.bytes)),
                td(
                  null,
                  one.verified_at === null
                    ? status("muted", "not yet")
                    : status("ok", format.ago(one.verified_at, now)),
                ),
              ),
            ),
        ),
    drills.length > 0 &&
      ol(
        { class: "events", "aria-label": "Drills" },
        ...drills
          .slice(0, 5)
          .map((drill) =>
            li(
              { key: drill.at },
              drill.outcome === "done"
                ? status("ok", "restored for trial")
                : status("critical", drill.outcome ?? "runs"),
              span(
                { class: "note" },
                drill.error ??
                  `${format.ago(drill.at, now)}: back in ${format.duration(drill.rto_ms)}, lacking ${format.duration(drill.rpo_ms)}`,
              ),
            ),
          ),
      ),
  );
}
