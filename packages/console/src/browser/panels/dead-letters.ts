import { h } from "preact";
import { useState } from "preact/hooks";
import { send } from "../api.ts";
import * as format from "../format.ts";
import { useAction, useLoaded } from "../loading.ts";
import { ActionButton, Dialog } from "../parts/confirm.ts";
import { Grid, rowTitle } from "../parts/grid.ts";
import { nothing, Panel } from "../parts/panel.ts";
import type { DeadLetter } from "../replies.ts";
import { button, div, label, p, td, textarea, tr, type View } from "../tags.ts";

interface Page {
  readonly deadletters: readonly DeadLetter[];
  readonly next: string | null;
}

/** What PostgreSQL refused: to look at, to mend, and to put into the queue again. Only for a key that may change things. */
export function DeadLetters({ isAdmin, now }: { readonly isAdmin: boolean; readonly now: number }): View {
  const loaded = useLoaded<Page>(isAdmin ? "/v1/dead-letters?state=waiting&limit=20" : undefined, 15_000);
  const [opened, setOpened] = useState<DeadLetter | undefined>(undefined);
  const letters = loaded.value?.deadletters ?? [];
  const { reload } = loaded;
  if (!isAdmin) {
    return h(
      Panel,
      { id: "dead-letters", title: "Dead letters", isWide: true },
      nothing("They hold events as they were sent: signing in with a key of the scope admin shows them."),
    );
  }
  return h(
    Panel,
    {
      id: "dead-letters",
      title: "Dead letters",
      isWide: true,
      note: loaded.value?.next == null ? `${letters.length} wait` : `the newest ${letters.length}`,
      loaded,
      actions:
        letters.length > 0 &&
        h(ActionButton, {
          label: "Redrive all …",
          question: {
            title: "Put all of them into the queue again?",
            confirm: "Redrive",
            body: p(null, "Up to 500 at a time, as they were. What PostgreSQL refuses again comes back here."),
          },
          work: () => send("POST", "/v1/dead-letters/redrive", { all: true }),
          onDone: reload,
        }),
    },
    letters.length === 0
      ? nothing("PostgreSQL has refused nothing that still waits.")
      : h(
          Grid,
          {
            label: "Dead letters",
            columns: [
              { title: "Reason" },
              { title: "Message" },
              { title: "Since" },
              { title: "Actions", isUntitled: true },
            ],
          },
          letters.map((letter) =>
            tr(
              { key: letter.id },
              rowTitle(letter.sqlstate ?? letter.reason),
              td({ class: "text" }, letter.message),
              td(null, format.ago(letter.createdat, now)),
              td(
                { class: "buttons" },
                button(
                  { type: "button", "aria-label": `Open ${letter.id}`, onClick: () => setOpened(letter) },
                  "Open …",
                ),
              ),
            ),
          ),
        ),
    opened !== undefined &&
      h(Letter, {
        key: opened.id,
        letter: opened,
        onClose: (isChanged) => {
          setOpened(undefined);
          if (isChanged) reload();
        },
      }),
  );
}

function Letter({ letter, onClose }: { letter: DeadLetter; onClose: (isChanged: boolean) => void }): View {
  const original = JSON.stringify(letter.event, undefined, 2);
  const [text, setText] = useState(original);
  const { isBusy, error, run } = useAction();
  const path = `/v1/dead-letters/${letter.id}`;
  const act = (work: () => Promise<unknown>) => async (): Promise<void> => {
    if (await run(work)) onClose(true);
  };
  return h(
    Dialog,
    {
      title: `Refused ${letter.attempts === 1 ? "once" : `${letter.attempts} times`}: ${letter.reason}`,
      onClose: () => onClose(false),
    },
    p(null, letter.message),
    label(
      { class: "editor" },
      "The event; what you change here is stored in its place",
      textarea({
        rows: 16,
        spellcheck: false,
        value: text,
        onInput: ({ currentTarget }) => setText(currentTarget.value),
      }),
    ),
    error !== undefined && p({ class: "fault", role: "alert" }, error.message),
    div(
      { class: "choices" },
      button({ type: "button", disabled: isBusy, onClick: act(() => send("DELETE", path)) }, "Delete for good"),
      button({ type: "button", onClick: () => onClose(false) }, "Cancel"),
      button(
        {
          type: "button",
          class: "primary",
          disabled: isBusy,
          onClick: act(() => send("POST", `${path}/redrive`, text === original ? {} : { event: eventIn(text) })),
        },
        text === original ? "Redrive as it was" : "Redrive as edited",
      ),
    ),
  );
}

function eventIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error("This is not JSON", { cause });
  }
}
