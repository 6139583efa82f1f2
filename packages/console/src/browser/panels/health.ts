import { h } from "preact";
import * as format from "../format.ts";
import { useLoaded } from "../loading.ts";
import { Panel } from "../parts/panel.ts";
import { status, type Tone } from "../parts/status.ts";
import type { HealthCheck } from "../replies.ts";
import { details, li, p, span, strong, summary, ul, type View } from "../tags.ts";

const tones: Readonly<Record<HealthCheck["status"], Tone>> = {
  ok: "ok",
  warning: "warning",
  critical: "critical",
  skipped: "muted",
};

/** The checks of PostgreSQL: those that say something first. */
export function DatabaseHealth(): View {
  const loaded = useLoaded<{ readonly checks: readonly HealthCheck[] }>("/database/health", 60_000);
  const checks = loaded.value?.checks ?? [];
  const loud = checks.filter((check) => check.status === "warning" || check.status === "critical");
  const quiet = checks.filter((check) => !loud.includes(check));
  return h(
    Panel,
    { id: "health", title: "PostgreSQL", note: `${quiet.length} of ${checks.length} checks are quiet`, loaded },
    loud.length === 0
      ? p({ class: "calm" }, status("ok", "Nothing to be said."))
      : ul({ class: "items" }, ...loud.map(itemOf)),
    details(null, summary(null, "The quiet ones"), ul({ class: "items" }, ...quiet.map(itemOf))),
  );
}

function itemOf({ id, status: state, value, unit, advice }: HealthCheck): View {
  return li(
    { key: id, class: "item line" },
    status(tones[state], state),
    strong(null, id.replaceAll("_", " ")),
    span({ class: "note" }, format.quantity(value, unit)),
    (state === "warning" || state === "critical" || state === "skipped") && span(null, advice),
  );
}
