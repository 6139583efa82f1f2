import { type ComponentChildren, h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAction } from "../loading.ts";
import { button, dialog, div, h3, p, type View } from "../tags.ts";

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children?: ComponentChildren;
}

/** A window over the page; Escape closes it, and the keyboard stays in it. */
export function Dialog({ title, onClose, children }: DialogProps): View {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => element.current?.showModal(), []);
  return dialog(
    {
      ref: element,
      onClose,
      "aria-label": title,
      onClick: (event: MouseEvent) => event.target === element.current && element.current?.close(),
    },
    div({ class: "dialog" }, h3(null, title), children),
  );
}

export interface ActionButtonProps {
  readonly label: string;
  /** Names the button where several have the same label. */
  readonly about?: string;
  /** Asked before anything is done; without it the work is begun at once. */
  readonly question?: { readonly title: string; readonly confirm: string; readonly body: ComponentChildren };
  readonly work: () => Promise<unknown>;
  readonly onDone?: () => void;
}

/** A button that does something, asks before, and says what went wrong. */
export function ActionButton({ label, about, question, work, onDone }: ActionButtonProps): View {
  const [isAsking, setAsking] = useState(false);
  const { isBusy, error, run } = useAction();
  const begin = async (): Promise<void> => {
    if (!(await run(work))) return;
    setAsking(false);
    onDone?.();
  };
  const name = about === undefined ? undefined : `${label}: ${about}`;
  return div(
    { class: "action" },
    button(
      { type: "button", disabled: isBusy, "aria-label": name, onClick: question ? () => setAsking(true) : begin },
      isBusy ? "…" : label,
    ),
    error !== undefined && !isAsking && p({ class: "fault", role: "status" }, error.message),
    isAsking &&
      question !== undefined &&
      h(
        Dialog,
        { title: question.title, onClose: () => setAsking(false) },
        question.body,
        error !== undefined && p({ class: "fault", role: "alert" }, error.message),
        div(
          { class: "choices" },
          button({ type: "button", onClick: () => setAsking(false) }, "Cancel"),
          button({ type: "button", class: "primary", disabled: isBusy, onClick: begin }, question.confirm),
        ),
      ),
  );
}
