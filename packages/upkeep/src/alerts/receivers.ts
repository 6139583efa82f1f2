import { type AlertLog, logReceiver, type Receiver } from "./receiver.ts";
import { type Webhook, type WebhookOptions, webhookReceiver } from "./webhook.ts";

/** Everybody who is told: the log, and the webhooks. */
export function receiversOf(
  log: AlertLog,
  { webhooks, ...options }: WebhookOptions & { readonly webhooks: readonly Webhook[] },
): Receiver[] {
  return [logReceiver(log), ...webhooks.map((webhook) => webhookReceiver(webhook, options))];
}
