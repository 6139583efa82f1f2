import { createHmac, hash } from "node:crypto";
import type { Receiver, Refusal, Telling } from "./receiver.ts";

/** Where alerts are told, and in whose words. */
export interface Webhook {
  readonly kind: "json" | "slack" | "alertmanager";
  readonly url: string;
}

/** Reads `https://…`, `slack+https://…` or `alertmanager+http://…`; `undefined` for anything else. */
export function webhookOf(text: string): Webhook | undefined {
  const match = /^(?:(slack|alertmanager)\+)?(https?:\/\/.+)$/.exec(text.trim());
  if (match === null || !URL.canParse(match[2] ?? "")) return undefined;
  const kind = match[1] === "slack" ? "slack" : match[1] === "alertmanager" ? "alertmanager" : "json";
  return { kind, url: match[2] ?? "" };
}

export interface WebhookOptions {
  /** Signs what is sent, unless it is for Slack or Alertmanager, which do not look. */
  readonly secret: string | undefined;
  /** Default: 5 s. */
  readonly timeoutMs?: number;
}

/** Tells a webhook. It may get an event twice when a process dies while sending; `id` tells. */
export function webhookReceiver({ kind, url }: Webhook, { secret, timeoutMs = 5_000 }: WebhookOptions): Receiver {
  const send = async (body: string, id?: string): Promise<Refusal | undefined> => {
    const isSigned = secret !== undefined && kind === "json";
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(id !== undefined && { "millrace-event-id": id }),
          ...(isSigned && { "millrace-signature": signatureOf(secret, body, new Date()) }),
        },
        body,
        redirect: "error",
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body?.cancel();
      if (response.ok) return undefined;
      const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
      return {
        error: `it answered ${response.status}`,
        retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
      };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      return { error: cause instanceof Error ? cause.message || cause.name : String(cause) };
    }
  };
  return {
    id: `${kind}:${hash("sha256", url, "hex").slice(0, 16)}`,
    take: (telling) => send(bodyOf(kind, telling), telling.id),
    ...(kind === "alertmanager" && {
      remind: (firing) => send(JSON.stringify(firing.map(alertmanagerAlert))),
    }),
  };
}

/** What is sent: to Slack a text, to Alertmanager's API v2 a list of alerts, to everybody else the event. */
function bodyOf(kind: Webhook["kind"], telling: Telling): string {
  switch (kind) {
    case "slack":
      return JSON.stringify({ text: slackText(telling) });
    case "alertmanager":
      return JSON.stringify([alertmanagerAlert(telling)]);
    case "json": {
      const { id, rule, event, severity, at, value, unit, summary, runbook } = telling;
      return JSON.stringify({ id, rule, event, severity, at: at.toISOString(), value, unit, summary, runbook });
    }
  }
}

/** In Slack's mrkdwn, in which three characters are markup. */
function slackText({ rule, event, severity, summary, value, unit, runbook }: Telling): string {
  const plain = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const sign =
    event === "resolved" ? ":white_check_mark:" : severity === "critical" ? ":red_circle:" : ":large_orange_circle:";
  const figure = value === null ? "no value" : `${value} ${unit ?? ""}`.trim();
  const link = /^https?:/.test(runbook) ? ` <${plain(runbook)}|What to do>` : "";
  return `${sign} *${rule}* ${event}: ${plain(summary)} (${figure})${link}`;
}

/** Labels tell alerts apart, and are what Alertmanager routes by. */
function alertmanagerAlert({ rule, event, at, severity, value, unit, summary, runbook }: Telling): object {
  const isAddress = /^https?:/.test(runbook);
  return {
    labels: { alertname: rule, severity, service: "millrace" },
    annotations: {
      summary,
      value: value === null ? "no value" : `${value} ${unit ?? ""}`.trim(),
      ...(isAddress && { runbook_url: runbook }),
    },
    ...(event === "firing" ? { startsAt: at.toISOString() } : { endsAt: at.toISOString() }),
    ...(isAddress && { generatorURL: new URL("/alerts", runbook).href }),
  };
}

/** `t=SECONDS,v1=HEX`: HMAC-SHA-256 of `SECONDS.BODY`, so that the receiver can tell who sent it and when. */
function signatureOf(secret: string, body: string, at: Date): string {
  const seconds = Math.floor(at.getTime() / 1_000);
  return `t=${seconds},v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
}
