import type { JsonRow, WriteKind } from "@millrace/domain";
import { balanceOf } from "../balances/balance.ts";
import { blockOf } from "../blocks/block.ts";
import { hashed, versioned } from "../caching/representation.ts";
import { reportOf } from "../reports/report.ts";
import { sessionOf } from "../sessions/session.ts";
import { userOf } from "../users/user.ts";

/** The row of a write as the API shows it, by the feature that its kind begins with. */
const shown: Readonly<Record<string, (row: never) => Readonly<Record<string, unknown>> & { version?: string }>> = {
  users: userOf,
  sessions: sessionOf,
  reports: reportOf,
  blocks: blockOf,
  balances: balanceOf,
};

export function representationOf(kind: WriteKind, row: JsonRow): { etag: string | undefined; body: string } {
  const { version, ...rest } = shownRow(kind, row);
  return version === undefined ? { ...hashed(rest), etag: undefined } : versioned({ ...rest, version });
}

export function shownRow(kind: string, row: JsonRow): Readonly<Record<string, unknown>> & { version?: string } {
  const show = shown[kind.slice(0, kind.indexOf("."))];
  if (show === undefined) throw new Error(`Nothing shows rows of ${kind}`);
  return show(row as never); // the row of this kind, as its statement returned it
}
