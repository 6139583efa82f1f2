import { h } from "preact";
import { useState } from "preact/hooks";
import * as format from "../format.ts";
import { useLoaded } from "../loading.ts";
import { Grid, rowTitle } from "../parts/grid.ts";
import { nothing, Panel } from "../parts/panel.ts";
import { status } from "../parts/status.ts";
import type { StoredEvent } from "../replies.ts";
import { button, div, form, input, label, p, pre, td, tr, type View } from "../tags.ts";
import { useTail } from "../tail.ts";

interface Page {
  readonly events: readonly StoredEvent[];
  readonly next: string | null;
}

const fields = ["type", "source", "subject", "data"] as const;
type Filter = Readonly<Partial<Record<(typeof fields)[number], string>>>;
const examples: Readonly<Record<(typeof fields)[number], string>> = {
  type: "press.cycle",
  source: "/plants/4/press",
  subject: "press-7",
  data: '{"host":"a"}',
};

/** Finds stored events, page by page, or shows them as they are committed. */
export function Events({ now }: { readonly now: number }): View {
  const [filter, setFilter] = useState<Filter>({});
  const [isLive, setLive] = useState(false);
  const [pages, setPages] = useState<readonly string[]>([]);
  const query = new URLSearchParams(filter).toString();
  const first = `/v1/events?limit=25${query === "" ? "" : `&${query}`}`;
  const loaded = useLoaded<Page>(isLive ? undefined : (pages.at(-1) ?? first), 3_600_000);
  const tail = useTail(isLive ? `/v1/events/tail${query === "" ? "" : `?${query}`}` : undefined);
  const shown = isLive ? tail.events : (loaded.value?.events ?? []);

  const search = (event: SubmitEvent): void => {
    event.preventDefault();
    setPages([]);
    setFilter(filterIn(event.currentTarget as HTMLFormElement)); // it is only given to the form
    loaded.reload();
  };
  return h(
    Panel,
    {
      id: "events",
      title: "Events",
      note: isLive ? tailNote(tail) : "newest first",
      isWide: true,
      ...(!isLive && { loaded }),
      actions: button(
        { type: "button", "aria-pressed": isLive, onClick: () => setLive(!isLive) },
        isLive ? "Stop watching" : "Watch live",
      ),
    },
    form(
      { class: "search", role: "search", "aria-label": "Events", onSubmit: search },
      ...fields.map((name) =>
        label(
          { key: name },
          name,
          input({ name, placeholder: examples[name], autocomplete: "off", spellcheck: false, maxLength: 2_000 }),
        ),
      ),
      button({ type: "submit", class: "primary" }, "Search"),
    ),
    shown.length === 0 ? nothing(isLive ? "Waiting for the next …" : "No such event.") : listOf(shown, now),
    !isLive &&
      div(
        { class: "pages" },
        pages.length > 0 && button({ type: "button", onClick: () => setPages(pages.slice(0, -1)) }, "Newer"),
        loaded.value?.next != null &&
          button({ type: "button", onClick: () => setPages([...pages, loaded.value?.next ?? first]) }, "Older"),
      ),
    isLive && tail.dropped > 0 && p({ class: "note" }, `${format.count(tail.dropped)} were too many to be shown.`),
  );
}

function tailNote({ isLive }: ReturnType<typeof useTail>): View {
  return isLive ? status("ok", "live") : status("warning", "not connected");
}

function filterIn(element: HTMLFormElement): Filter {
  const entries = [...new FormData(element)].flatMap(([name, value]) =>
    typeof value === "string" && value.trim() !== "" ? [[name, value.trim()] as const] : [],
  );
  return Object.fromEntries(entries);
}

const columns = [{ title: "Time" }, { title: "Type" }, { title: "Source" }, { title: "Subject" }, { title: "Data" }];

function listOf(events: readonly StoredEvent[], now: number): View {
  return h(
    Grid,
    { label: "Events found", columns },
    events.map((event) => h(Row, { key: `${event.source} ${event.id} ${event.time}`, event, now })),
  );
}

function Row({ event, now }: { readonly event: StoredEvent; readonly now: number }): View[] {
  const [isOpen, setOpen] = useState(false);
  const at = format.clock(event.time, now);
  return [
    tr(
      { key: "row" },
      rowTitle(
        button(
          {
            type: "button",
            class: "disclose",
            "aria-expanded": isOpen,
            title: event.time,
            onClick: () => setOpen(!isOpen),
          },
          at,
        ),
      ),
      td(null, event.type),
      td(null, event.source),
      td(null, event.subject ?? ""),
      td({ class: "data" }, event.data === undefined ? "" : JSON.stringify(event.data).slice(0, 200)),
    ),
    ...(isOpen
      ? [
          tr(
            { key: "whole" },
            td({ colSpan: columns.length, class: "opened" }, pre(null, JSON.stringify(event, undefined, 2))),
          ),
        ]
      : []),
  ];
}
