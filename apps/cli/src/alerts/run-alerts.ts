import { z } from "zod";
import { type CallApi, createApiCalls } from "../call-api.ts";
import { CommandError, say } from "../command-error.ts";
import type { CommandLine } from "../commands/read-command-line.ts";
import { runDeclared } from "../commands/run-declared.ts";
import { loadApiConfig } from "../config.ts";
import { figureText, minuteOf, tableOf } from "../table.ts";
import { alertsCommand } from "./declaration.ts";
import { minutesOf } from "./minutes.ts";

const alert = z.object({
  rule: z.string(),
  severity: z.string(),
  summary: z.string(),
  runbook: z.string(),
  state: z.enum(["firing", "pending", "unknown", "ok"]),
  since: z.string().nullable(),
  value: z.number().nullable(),
  unit: z.string(),
  fire_at: z.number(),
  acknowledged_by: z.string().nullable(),
  silenced_until: z.string().nullable(),
  silenced_by: z.string().nullable(),
  silenced_why: z.string().nullable(),
});
const event = z.object({
  rule: z.string(),
  at: z.string(),
  event: z.string(),
  severity: z.string(),
  value: z.number().nullable(),
});
const answer = z.object({ seconds_ago: z.number().nullable(), alerts: z.array(alert), events: z.array(event) });
type Alert = z.output<typeof alert>;

/** `alerts list|history|ack|silence|unsilence`, through the API. Gives the exit code. */
export async function runAlerts(args: string[]): Promise<number> {
  return await runDeclared(alertsCommand, args, async (line) => {
    const { subcommand, values, positionals } = line;
    const { url, key } = await loadApiConfig(process.env);
    const call = createApiCalls(values.url ?? url, key);
    if (subcommand === "list") return await list(call, values);
    if (subcommand === "history") return await history(call, values);
    const [rule, ...others] = positionals;
    if (rule === undefined || others.length > 0) {
      throw new CommandError("Name one alert; see: millrace alerts list", 2);
    }
    return await change(call, rule, line);
  });
}

type Values = CommandLine<typeof alertsCommand>["values"];

const order: readonly Alert["state"][] = ["firing", "pending", "unknown", "ok"];

async function list(call: CallApi, { json, check }: Values): Promise<number> {
  const { alerts, seconds_ago } = answer.parse(await call("GET", "/alerts?events=0"));
  const exitCode = check && alerts.some(({ state }) => state === "firing") ? 1 : 0;
  if (json) return say(JSON.stringify(alerts, undefined, 2), exitCode);
  const sorted = alerts.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const rows = sorted.map((one) => [
    one.state,
    one.rule,
    one.severity,
    figureText(one.value, one.unit),
    figureText(one.fire_at, one.unit),
    minuteOf(one.since),
    noteOf(one),
    one.runbook,
  ]);
  const looked = seconds_ago === null ? "Nobody has looked yet." : `Looked at ${Math.round(seconds_ago)} s ago.`;
  return say(
    `${tableOf(["state", "alert", "severity", "value", "fires at", "since", "note", "runbook"], rows)}\n${looked}`,
    exitCode,
  );
}

async function history(call: CallApi, { json, limit }: Values): Promise<number> {
  const { events } = answer.parse(await call("GET", `/alerts?events=${encodeURIComponent(limit)}`));
  if (json) return say(JSON.stringify(events, undefined, 2), 0);
  if (events.length === 0) return say("Nothing has happened yet.", 0);
  const rows = events.map(({ at, event, rule, severity, value }) => [
    minuteOf(at),
    event,
    rule,
    severity,
    value === null ? "-" : String(value),
  ]);
  return say(tableOf(["at", "what", "alert", "severity", "value"], rows), 0);
}

async function change(
  call: CallApi,
  rule: string,
  { subcommand, values }: CommandLine<typeof alertsCommand>,
): Promise<number> {
  const by = values.by === undefined ? {} : { by: values.by };
  const post = async (action: string, body: object): Promise<Alert> =>
    alert.parse(await call("POST", `/alerts/${encodeURIComponent(rule)}/${action}`, body));
  const tell = (changed: Alert, text: string): number => say(values.json ? JSON.stringify(changed) : text, 0);
  if (subcommand === "ack") {
    const changed = await post("acknowledge", by);
    return tell(changed, `${rule} is ${changed.acknowledged_by}'s until it ends. What to do: ${changed.runbook}`);
  }
  if (subcommand === "unsilence") return tell(await post("silence", { minutes: 0, ...by }), `${rule} is told again.`);
  if (values.for === undefined) throw new CommandError("Say for how long with --for, such as --for 2h", 2);
  const minutes = minutesOf(values.for);
  if (minutes === undefined) throw new CommandError(`--for ${values.for}: write 30m, 2h or 3d, at most 30d`, 2);
  if (values.why === undefined) throw new CommandError("Say why with --why, for others to read", 2);
  const changed = await post("silence", { minutes, why: values.why, ...by });
  return tell(changed, `Nobody is told of ${rule} until ${minuteOf(changed.silenced_until)}.`);
}

function noteOf({ acknowledged_by, silenced_until, silenced_by, silenced_why }: Alert): string {
  const notes = [
    ...(acknowledged_by === null ? [] : [`${acknowledged_by} is at it`]),
    ...(silenced_until === null
      ? []
      : [`silenced until ${minuteOf(silenced_until)} by ${silenced_by ?? "?"}: ${silenced_why ?? "no reason given"}`]),
  ];
  return notes.length === 0 ? "-" : notes.join("; ");
}
