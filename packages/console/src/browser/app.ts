import { h } from "preact";
import { useState } from "preact/hooks";
import { useLive } from "./live.ts";
import { useLoaded, useNow } from "./loading.ts";
import { markUri } from "./mark.ts";
import { AlertsPanel } from "./panels/alerts.ts";
import { Backups } from "./panels/backups.ts";
import { CachePanel } from "./panels/cache.ts";
import { IngestChart, LatencyChart } from "./panels/charts.ts";
import { DeadLetters } from "./panels/dead-letters.ts";
import { Events } from "./panels/events.ts";
import { DatabaseHealth } from "./panels/health.ts";
import { Indexes } from "./panels/indexes.ts";
import { Jobs } from "./panels/jobs.ts";
import { Overview } from "./panels/overview.ts";
import { Partitions } from "./panels/partitions.ts";
import { Queues } from "./panels/queues.ts";
import { Statements } from "./panels/statements.ts";
import { Workers } from "./panels/workers.ts";
import { status } from "./parts/status.ts";
import { chooseTheme, chosenTheme, themes } from "./parts/theme.ts";
import type { Alerts, Live, Session } from "./replies.ts";
import {
  a,
  button,
  div,
  form,
  h1,
  header,
  img,
  label,
  li,
  main,
  nav,
  option,
  select,
  span,
  ul,
  type View,
} from "./tags.ts";

const sections = [
  ["ingest", "Ingest"],
  ["alerts", "Alerts"],
  ["workers", "Processes"],
  ["queues", "Queues"],
  ["cache", "Cache"],
  ["statements", "Statements"],
  ["partitions", "Partitions"],
  ["indexes", "Indexes"],
  ["jobs", "Jobs"],
  ["backups", "Backups"],
  ["dead-letters", "Dead letters"],
  ["events", "Events"],
] as const;

/** The whole page. What is live comes by itself, the rest is read again now and then. */
export function App(): View {
  const { live, history, isConnected } = useLive();
  const now = useNow(1_000);
  const { value: session } = useLoaded<Session>("/session", 600_000);
  const alerts = useLoaded<Alerts>("/alerts", 5_000);
  const isAdmin = session?.scopes.includes("admin") ?? false;
  return div(
    null,
    a({ class: "skip", href: "#main" }, "To the content"),
    h(TopBar, { live, isConnected, session }),
    main(
      { id: "main", tabIndex: -1 },
      h(Overview, { live, alerts: alerts.value }),
      div(
        { class: "panels" },
        h(IngestChart, { history, live }),
        h(LatencyChart, { history }),
        h(AlertsPanel, { loaded: alerts, isAdmin, now }),
        h(DatabaseHealth, null),
        h(Workers, { live, now }),
        h(Queues, { live }),
        h(CachePanel, { live, isAdmin }),
        h(Statements, null),
        h(Partitions, { now }),
        h(Indexes, { isAdmin, now }),
        h(Backups, { now }),
        h(Jobs, { isAdmin, now }),
        h(DeadLetters, { isAdmin, now }),
        h(Events, { now }),
      ),
    ),
  );
}

interface TopBarProps {
  readonly live: Live | undefined;
  readonly isConnected: boolean;
  readonly session: Session | undefined;
}

function TopBar({ live, isConnected, session }: TopBarProps): View {
  return header(
    { class: "top" },
    h1(null, img({ src: markUri, width: 20, height: 20, alt: "" }), "Millrace"),
    nav(
      { "aria-label": "Panels" },
      ul(null, ...sections.map(([id, text]) => li({ key: id }, a({ href: `#${id}` }, text)))),
    ),
    div({ class: "state", role: "status" }, stateOf(live, isConnected)),
    h(ThemeChoice, null),
    form(
      { method: "post", action: "/session/end", class: "who" },
      span({ class: "note" }, session?.name ?? ""),
      button({ type: "submit" }, "Sign out"),
    ),
  );
}

function stateOf(live: Live | undefined, isConnected: boolean): View {
  if (!isConnected)
    return status(live === undefined ? "muted" : "critical", live === undefined ? "connecting" : "not connected");
  return live?.database.answers === false ? status("critical", "PostgreSQL is away") : status("ok", "live");
}

function ThemeChoice(): View {
  const [theme, setTheme] = useState(chosenTheme);
  return label(
    { class: "theme" },
    span({ class: "aloud" }, "Theme"),
    select(
      {
        value: theme,
        onChange: ({ currentTarget }) => {
          const chosen = themes.find((one) => one === currentTarget.value) ?? "auto";
          setTheme(chosen);
          chooseTheme(chosen);
        },
      },
      ...themes.map((value) => option({ value }, value)),
    ),
  );
}
