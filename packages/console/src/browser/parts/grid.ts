import type { ComponentChildren } from "preact";
import { div, span, table, tbody, td, th, thead, tr, type View } from "../tags.ts";

export interface Column {
  readonly title: string;
  /** Aligned by its digits. */
  readonly isNumber?: boolean;
  /** For a column of buttons: its title is only read aloud. */
  readonly isUntitled?: boolean;
}

export interface GridProps {
  /** What the table is of; read aloud. */
  readonly label: string;
  readonly columns: readonly Column[];
  readonly children?: ComponentChildren;
}

/** A table that scrolls by itself where it is too wide, also by keyboard. */
export function Grid({ label, columns, children }: GridProps): View {
  return div(
    { class: "scroll", role: "region", "aria-label": label, tabIndex: 0 },
    table(
      null,
      thead(
        null,
        tr(
          null,
          ...columns.map(({ title, isNumber, isUntitled }) =>
            th(
              { scope: "col", class: isNumber ? "number" : undefined },
              isUntitled ? span({ class: "aloud" }, title) : title,
            ),
          ),
        ),
      ),
      tbody(null, children),
    ),
  );
}

/** A cell with a figure. */
export function figure(text: ComponentChildren, isNotable?: "warning" | "critical" | false): View {
  return td({ class: isNotable ? `number ${isNotable}` : "number" }, text);
}

/** The cell that says what the row is about. */
export function rowTitle(...children: ComponentChildren[]): View {
  return th({ scope: "row" }, ...children);
}
