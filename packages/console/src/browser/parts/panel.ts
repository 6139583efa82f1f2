import type { ComponentChildren } from "preact";
import type { Loaded } from "../loading.ts";
import { div, h2, header, p, section, span, type View } from "../tags.ts";

export interface PanelProps {
  /** Also what the address of the page says after its `#`. */
  readonly id: string;
  readonly title: string;
  /** A figure or two beside the title. */
  readonly note?: ComponentChildren;
  readonly actions?: ComponentChildren;
  /** What the panel shows, when that is read by itself: a fault of reading it is told here. */
  readonly loaded?: Pick<Loaded<unknown>, "value" | "error">;
  readonly isWide?: boolean;
  readonly children?: ComponentChildren;
}

/** One subject of the console. */
export function Panel({ id, title, note, actions, loaded, isWide = false, children }: PanelProps): View {
  const heading = `${id}-title`;
  return section(
    { id, class: isWide ? "panel wide" : "panel", "aria-labelledby": heading },
    header(
      null,
      h2({ id: heading }, title),
      note !== undefined && span({ class: "note" }, note),
      actions !== undefined && div({ class: "actions" }, actions),
    ),
    loaded?.error !== undefined && faultOf(loaded.error),
    loaded !== undefined && loaded.value === undefined && loaded.error === undefined
      ? p({ class: "empty" }, "Reading …")
      : children,
  );
}

function faultOf(error: Error): View {
  return p({ class: "fault", role: "status" }, error.message);
}

/** What a panel says when there is nothing to show. */
export function nothing(text: string): View {
  return p({ class: "empty" }, text);
}
