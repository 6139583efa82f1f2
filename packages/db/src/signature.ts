import { currentOrigin } from "@millrace/runtime";
import { literal } from "./identifier.ts";

/** What PostgreSQL keeps of an application's name. */
const maxNameBytes = 63;

/** Nothing that could end a comment, a text or a line, whoever thought of the label. */
function currentLabel(): string | undefined {
  return currentOrigin()?.label.replace(/[^\w.:+=@ -]/g, "_");
}

/** The text of a statement that runs by itself, which says behind its name on whose behalf. */
export function signed(text: string): string {
  const label = currentLabel();
  if (label === undefined) return text;
  const end = text.indexOf("*/") + 2;
  return end < 2 ? text : `${text.slice(0, end)} /* ${label} */${text.slice(end)}`;
}

/**
 * What makes pg_stat_activity and the server's log show, until the end of the transaction, on whose behalf it is; nothing
 * if that is not known. It is sent along with the transaction's first statement, so that it costs no way to the
 * server and back, and is gone with the transaction, so that a pooler may give the connection to others.
 */
export function signatureOf(applicationName: string): string {
  const label = currentLabel();
  if (label === undefined) return "";
  const name = `${applicationName} ${label}`.slice(0, maxNameBytes);
  return `SELECT /* transaction.sign */ set_config('application_name', ${literal(name)}, true); `;
}
