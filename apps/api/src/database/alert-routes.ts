import type { Db } from "@millrace/db";
import {
  type AlertRow,
  type AlertRule,
  acknowledgeAlert,
  alertStates,
  recentAlertEvents,
  silenceAlert,
} from "@millrace/upkeep";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { jsonBodyOf, unchecked } from "../http/json-body.ts";
import { HttpProblem } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";

const alert = z.object({
  rule: z.string(),
  severity: z.string(),
  summary: z.string(),
  runbook: z.string().describe("In docs/runbooks"),
  state: z.enum(["ok", "pending", "firing", "unknown"]).describe("unknown: no worker has looked yet"),
  since: z.string().nullable(),
  value: z.number().nullable(),
  fire_at: z.number(),
  clear_at: z.number(),
  acknowledged_by: z.string().nullable(),
  silenced_until: z.string().nullable(),
});
const event = z.object({
  rule: z.string(),
  at: z.string(),
  event: z.enum(["firing", "resolved"]),
  severity: z.string(),
  value: z.number().nullable(),
});
const params = z.object({ rule: z.string().max(60) });
const acknowledgeBody = z.strictObject({ by: z.string().min(1).max(200).describe("Who is at it") });
const silenceBody = z.strictObject({
  minutes: z.int().min(0).max(43_200).describe("For how long nobody is told of it; 0: from now on again"),
});

/** The alerts: how they stand, what they did, and who is at them. */
export function registerAlerts(app: FastifyInstance, { db, rules }: { db: Db; rules: readonly AlertRule[] }): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const tags = ["alerts"];
  const ruleOf = (id: string): AlertRule => {
    const rule = rules.find((one) => one.id === id);
    if (rule !== undefined) return rule;
    const names = rules.map((one) => one.id).join(", ");
    throw new HttpProblem({
      status: 404,
      code: "alert_not_found",
      detail: `There is no alert ${id}; there are ${names}`,
    });
  };

  routes.get(
    "/alerts",
    {
      config: { scope: "read" },
      schema: {
        tags,
        summary: "How the alerts stand, and what fired and ended lately",
        response: { 200: z.object({ alerts: z.array(alert), events: z.array(event) }) },
      },
    },
    async () => {
      const states = new Map((await alertStates(db)).map((row) => [row.rule, row]));
      return {
        alerts: rules.map((rule) => shown(rule, states.get(rule.id))),
        events: (await recentAlertEvents(db, 100)).map(({ rule, at, event, severity, value }) => ({
          rule,
          at: at.toISOString(),
          event,
          severity,
          value,
        })),
      };
    },
  );

  routes.post(
    "/alerts/:rule/acknowledge",
    {
      config: { scope: "admin" },
      ...unchecked,
      schema: {
        tags,
        summary: "Say that somebody is at it; forgotten when the alert ends",
        params,
        body: acknowledgeBody,
        response: { 200: alert, 404: problemReply("There is no such alert"), 409: problemReply("It does not fire") },
      },
    },
    async (request) => {
      const rule = ruleOf(request.params.rule);
      const row = await acknowledgeAlert(db, rule.id, jsonBodyOf(request.body, acknowledgeBody).by);
      if (row !== undefined) return shown(rule, row);
      throw new HttpProblem({ status: 409, code: "alert_not_firing", detail: `${rule.id} does not fire` });
    },
  );

  routes.post(
    "/alerts/:rule/silence",
    {
      config: { scope: "admin" },
      ...unchecked,
      schema: {
        tags,
        summary: "Have nobody told of an alert for a while",
        params,
        body: silenceBody,
        response: { 200: alert, 404: problemReply("There is no such alert") },
      },
    },
    async (request) => {
      const rule = ruleOf(request.params.rule);
      const { minutes } = jsonBodyOf(request.body, silenceBody);
      await silenceAlert(db, rule.id, minutes === 0 ? null : new Date(Date.now() + minutes * 60_000));
      return shown(
        rule,
        (await alertStates(db)).find((row) => row.rule === rule.id),
      );
    },
  );
}

function shown(rule: AlertRule, row: AlertRow | undefined): z.input<typeof alert> {
  const { id, severity, summary, runbook, fire_at, clear_at } = rule;
  return {
    rule: id,
    severity,
    summary,
    runbook,
    state: row?.state ?? "unknown",
    since: row?.since.toISOString() ?? null,
    value: row?.value ?? null,
    fire_at,
    clear_at,
    acknowledged_by: row?.acknowledged_by ?? null,
    silenced_until: row?.silenced_until?.toISOString() ?? null,
  };
}
