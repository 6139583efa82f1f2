import { span, type View } from "../tags.ts";

export type Tone = "ok" | "warning" | "critical" | "muted" | "accent";

/** A word with a mark whose form, not its colour alone, says how it is. */
export function status(tone: Tone, text: string): View {
  return span({ class: `status ${tone}` }, span({ class: "mark", "aria-hidden": "true" }, marks[tone]), text);
}

const marks: Readonly<Record<Tone, string>> = { ok: "●", warning: "▲", critical: "■", muted: "○", accent: "◆" };
