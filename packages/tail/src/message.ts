import { linesOf } from "@millrace/events";

/** What is published at once on a channel: some committed rows, each a line in COPY's text format. */
export interface TailMessage {
  /** Not used by any other message. */
  readonly id: string;
  /** Rows for this channel that were not published since the last message. */
  readonly leftOut: number;
  readonly lines: readonly string[];
}

/** A first line `ID TAB LEFT_OUT`, then the rows. */
export function textOf({ id, leftOut, lines }: TailMessage): string {
  return `${id}\t${leftOut}\n${lines.join("")}`;
}

export function messageOf(text: string): TailMessage {
  const [head = "", ...lines] = linesOf(text);
  const [id = "", leftOut] = head.trimEnd().split("\t");
  return { id, leftOut: Number(leftOut) || 0, lines };
}
