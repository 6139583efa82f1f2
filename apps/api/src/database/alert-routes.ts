import type { Db } from "@millrace/db";
import {
  type AlertRow,
  type AlertRule,
  acknowledgeAlert,
  alertStates,
  lastLook,
  recentAlertEvents,
  runbookUrl,
  silenceAlert,
  undeliveredAlerts,
  unitOf,
} from "@millrace/upkeep";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { jsonBodyOf, unchecked } from "../http/json-body.ts";
import { HttpProblem } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";
import { storableText } from "../http/storable-text.ts";

const alert = z.object({
  rule: z.string(),
  severity: z.enum(["warning", "critical"]),
  summary: z.string(),
  runbook: z.string().describe("Where it is told what to do"),
  state: z.enum(["ok", "pending", "firing", "unknown"]).describe("unknown: nobody has looked yet"),
  since: z.string().nullable().describe("When it came to be in that state"),
  value: z.number().nullable().describe("The last one that was known"),
  seen_at: z.string().nullable().describe("When there was a value last"),
  looked_at: z.string().nullable().describe("When it was looked at last, whether there was a value or not"),
  unit: z.string(),
  fire_at: z.number(),
  clear_at: z.number(),
  low_is_bad: z.boolean(),
  for_seconds: z.number(),
  acknowledged_by: z.string().nullable(),
  acknowledged_at: z.string().nullable(),
  silenced_until: z.string().nullable(),
  silenced_by: z.string().nullable(),
  silenced_why: z.string().nullable(),
});
const event = z.object({
  id: z.string(),
  rule: z.string(),
  at: z.string(),
  event: z.enum(["firing", "resolved"]),
  severity: z.string(),
  value: z.number().nullable(),
  summary: z.string(),
});
const params = z.object({ rule: z.string().max(60) });
const by = storableText(1, 200).optional();
const acknowledgeBody = z.strictObject({ by: by.describe("Who is at it; without it, the key's name") });
const silenceBody = z
  .strictObject({
    minutes: z.number().min(0).max(43_200).describe("For how long nobody is told of it; 0: from now on again"),
    by: by.describe("Who says so; without it, the key's name"),
    why: storableText(1, 500).optional().describe("Needed unless minutes is 0"),
  })
  .refine(({ minutes, why }) => minutes === 0 || why !== undefined, {
    path: ["why"],
    message: "say why nobody is to be told of it",
  });

export interface AlertRoutesNeeds {
  readonly db: Db;
  readonly rules: readonly AlertRule[];
  readonly publicUrl: string | undefined;
}

/** The alerts: how they stand, what they did, and who is at them. */
export function registerAlerts(app: FastifyInstance, { db, rules, publicUrl }: AlertRoutesNeeds): void {
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
        querystring: z.strictObject({ events: z.coerce.number().int().min(0).max(1_000).default(100) }),
        response: {
          200: z.object({
            looked_at: z.string().nullable().describe("When somebody looked at them last"),
            seconds_ago: z.number().nullable(),
            alerts: z.array(alert),
            events: z.array(event).describe("The newest first"),
            undelivered: z
              .array(
                z.object({ receiver: z.string(), waiting: z.int(), since: z.string(), error: z.string().nullable() }),
              )
              .describe("Who is still to be told, and what the last try came to"),
          }),
        },
      },
    },
    async (request) => {
      const states = new Map((await alertStates(db)).map((row) => [row.rule, row]));
      const last = await lastLook(db);
      return {
        looked_at: last?.at.toISOString() ?? null,
        seconds_ago: last === undefined ? null : last.ageMs / 1_000,
        alerts: rules.map((rule) => shown(rule, states.get(rule.id), publicUrl)),
        events: (await recentAlertEvents(db, request.query.events)).map(({ at, ...rest }) => ({
          ...rest,
          at: at.toISOString(),
        })),
        undelivered: (await undeliveredAlerts(db)).map(({ since, ...rest }) => ({
          ...rest,
          since: since.toISOString(),
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
      const said = jsonBodyOf(request.body, acknowledgeBody, {});
      const row = await acknowledgeAlert(db, rule.id, said.by ?? request.principal?.name ?? "unknown");
      if (row !== undefined) return shown(rule, row, publicUrl);
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
        summary: "Have nobody told of an alert for a while; if it fires when that is over, it is told then",
        params,
        body: silenceBody,
        response: { 200: alert, 404: problemReply("There is no such alert") },
      },
    },
    async (request) => {
      const rule = ruleOf(request.params.rule);
      const said = jsonBodyOf(request.body, silenceBody);
      const silence = {
        minutes: said.minutes,
        by: said.by ?? request.principal?.name ?? "unknown",
        why: said.why ?? null,
      };
      const row = await silenceAlert(db, rule.id, silence);
      request.log.info({ rule: rule.id, ...silence }, "an alert was silenced");
      return shown(rule, row, publicUrl);
    },
  );
}

function shown(rule: AlertRule, row: AlertRow | undefined, publicUrl: string | undefined): z.input<typeof alert> {
  const { id, severity, summary, fire_at, clear_at, low_is_bad, for_seconds } = rule;
  const text = (time: Date | null | undefined): string | null => time?.toISOString() ?? null;
  const looked = row?.looked_at == null ? undefined : row;
  return {
    rule: id,
    severity,
    summary,
    runbook: runbookUrl(rule, publicUrl),
    state: looked?.state ?? "unknown",
    since: text(looked?.since),
    value: looked?.value ?? null,
    seen_at: looked?.value == null ? null : text(looked.seen_at),
    looked_at: text(looked?.looked_at),
    unit: unitOf(rule),
    fire_at,
    clear_at,
    low_is_bad,
    for_seconds,
    acknowledged_by: row?.acknowledged_by ?? null,
    acknowledged_at: text(row?.acknowledged_at),
    silenced_until: text(row?.silenced_until),
    silenced_by: row?.silenced_by ?? null,
    silenced_why: row?.silenced_why ?? null,
  };
}
