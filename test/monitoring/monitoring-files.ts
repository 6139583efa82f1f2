import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { root } from "../compose/compose-file.ts";

const rule = z.object({
  record: z.string().optional(),
  alert: z.string().optional(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
});
const ruleFile = z.object({ groups: z.array(z.object({ rules: z.array(rule) })) });
const dashboardFile = z.object({
  panels: z.array(
    z.object({
      title: z.string(),
      type: z.string(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z.array(z.object({ expr: z.string() })).default([]),
    }),
  ),
});

export type PrometheusRule = z.output<typeof rule>;

export const prometheusFolder = join(root, "docker/prometheus");

export function readRules(name: string): PrometheusRule[] {
  const text = readFileSync(join(prometheusFolder, "rules", name), "utf8");
  return ruleFile.parse(parse(text)).groups.flatMap(({ rules }) => rules);
}

export const recordingRules = readRules("recording.yml");
export const alertingRules = readRules("alerts.yml");

export const dashboard = dashboardFile.parse(
  JSON.parse(readFileSync(join(root, "docker/grafana/dashboards/millrace.json"), "utf8")),
);

/** All that is asked of Prometheus. */
export const expressions: readonly string[] = [
  ...recordingRules.map(({ expr }) => expr),
  ...alertingRules.map(({ expr }) => expr),
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
];

/** The names of our metrics in an expression; those with a colon are recorded. */
export function namesIn(expression: string): string[] {
  return expression.match(/\bmillrace[:_][a-z0-9_:]+/g) ?? [];
}
