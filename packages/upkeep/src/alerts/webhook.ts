import { createHmac, hash } from "node:crypto";
import type { AlertEvent } from "./alert-store.ts";

/** Where alerts are told, and in whose words. */
export interface Webhook {
  readonly kind: "json" | "slack" | "alertmanager";
  readonly url: string;
}

/** Reads `https://…`, `slack+https://…` or `alertmanager+http://…`; `undefined` for anything else. */
export function webhookOf(text: string): Webhook | undefined {
  const match = /^(?:(slack|alertmanager)\+)?(https?:\/\/.+)$/.exec(text);
  if (match === null || !URL.canParse(match[2] ?? "")) return undefined;
  const kind = match[1] === "slack" ? "slack" : match[1] === "alertmanager" ? "alertmanager" : "json";
  return { kind, url: match[2] ?? "" };
}

/** Names a webhook where its address is not to be seen. */
export function targetOf({ kind, url }: Webhook): string {
  return `${kind}:${hash("sha256", url, "hex").slice(0, 16)}`;
}

/**
 * What is sent. Slack's incoming webhooks take a text; Alertmanager's API v2 a list of alerts with labels, which it
 * groups and sends on; everybody else gets the event.
 */
export function bodyOf(kind: Webhook["kind"], event: AlertEvent): string {
  const { id, rule, at, severity, value, summary } = event;
  const isFiring = event.event === "firing";
  switch (kind) {
    case "slack":
      return JSON.stringify({
        text: `${isFiring ? (severity === "critical" ? ":red_circle:" : ":large_orange_circle:") : ":white_check_mark:"} *${rule}* ${event.event}: ${summary} (${value ?? "no value"})`,
      });
    case "alertmanager":
      return JSON.stringify([
        {
          labels: { alertname: rule, severity, service: "millrace" },
          annotations: { summary, value: String(value) },
          ...(isFiring ? { startsAt: at.toISOString() } : { endsAt: at.toISOString() }),
        },
      ]);
    case "json":
      return JSON.stringify({ id, rule, event: event.event, severity, at: at.toISOString(), value, summary });
  }
}

/** `t=SECONDS,v1=HEX`: HMAC-SHA-256 of `SECONDS.BODY`, so that the receiver can tell who sent it and when. */
export function signatureOf(secret: string, body: string, at: Date): string {
  const seconds = Math.floor(at.getTime() / 1_000);
  return `t=${seconds},v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
}
