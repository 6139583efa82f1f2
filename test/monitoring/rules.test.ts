import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram } from "@millrace/embedded/testing";
import { loadAlertRules } from "@millrace/upkeep";
import { expect, test } from "vitest";
import { root } from "../compose/compose-file.ts";
import { alertingRules, dashboard, prometheusFolder } from "./monitoring-files.ts";

const { program: promtool, missing } = await findProgram("prometheus", "/usr/bin/promtool");
const note = missing === undefined ? "" : ` (skipped: ${missing})`;

test.skipIf(promtool === undefined)(
  `promtool finds the rules and the configuration right, and its tests of them pass${note}`,
  async () => {
    if (promtool === undefined) return;
    const run = async (...args: string[]): Promise<string> =>
      (await promisify(execFile)(promtool.file, args, { cwd: prometheusFolder, env: { ...promtool.environment } }))
        .stdout;
    expect(await run("check", "rules", "rules/recording.yml", "rules/alerts.yml")).not.toContain("FAILED");
    expect(await run("check", "config", "--syntax-only", "prometheus.yml")).toContain("SUCCESS");
    expect(await run("test", "rules", "rules.test.yml")).toContain("SUCCESS");
  },
);

test("each alert of the product has its rule here, as severe, as patient and with the same runbook", async () => {
  const here = alertingRules.filter(({ labels }) => labels["rule"] !== "millrace_down");
  const asOurs = here.map(({ labels, annotations, for: patience = "0s" }) => ({
    id: labels["rule"],
    severity: labels["severity"],
    for_seconds: secondsOf(patience),
    runbook: annotations["runbook_url"],
  }));
  const ours = (await loadAlertRules(undefined)).map(({ id, severity, for_seconds, runbook }) => ({
    id,
    severity,
    for_seconds,
    runbook: `{{ $externalLabels.millrace_url }}/runbooks/${runbook}`,
  }));
  expect(asOurs.sort(byId)).toEqual(ours.sort(byId));
});

test("an alert fires at the threshold that the product has, but for those that are counted otherwise", async () => {
  // Seconds for ms, a part of the year for days, and a counter for a number.
  const otherwise = { query_latency: ">= 0.1", disk_forecast: "7 * 86400", dead_letters: "> 0" };
  for (const { id, fire_at, low_is_bad } of await loadAlertRules(undefined)) {
    const { expr = "" } = alertingRules.find(({ labels }) => labels["rule"] === id) ?? {};
    const expected = Object.hasOwn(otherwise, id)
      ? Object(otherwise)[id]
      : `${low_is_bad || id === "queue_away" ? "<=" : ">="} ${id === "queue_away" ? 0 : fire_at}`;
    expect([id, expr]).toEqual([id, expect.stringContaining(expected)]);
  }
});

test("every runbook that is linked is there", () => {
  for (const { annotations } of alertingRules) {
    const [, name = "", place] = /\/runbooks\/([\w-]+\.md)(?:#(\w+))?$/.exec(annotations["runbook_url"] ?? "") ?? [];
    const file = join(root, "docs/runbooks", name);
    expect([name, existsSync(file)]).toEqual([name, true]);
    if (place !== undefined) expect(readFileSync(file, "utf8")).toContain(place);
  }
});

test("the dashboard's panels lie in their rows without a gap, and none covers another", () => {
  const { panels } = dashboard;
  expect(panels.filter(({ type }) => type === "row").map(({ title }) => title)).toEqual([
    "Now",
    "Ingest",
    "Queues",
    "API",
    "Workers",
    "Cache",
    "PostgreSQL",
    "Upkeep",
  ]);
  const lines = Map.groupBy(panels, ({ gridPos }) => gridPos.y);
  let y = 0;
  for (const [at, line] of lines) {
    expect(at).toBe(y);
    expect(line.map(({ gridPos }) => gridPos.w).reduce((sum, w) => sum + w, 0)).toBe(24);
    expect(line.map(({ gridPos }) => gridPos.x)).toEqual(line.map(({ gridPos }, place) => place * gridPos.w));
    y += line[0]?.gridPos.h ?? 0;
  }
});

function secondsOf(duration: string): number {
  const [, number = "0", unit] = /^(\d+)([sm])$/.exec(duration) ?? [];
  return Number(number) * (unit === "m" ? 60 : 1);
}

function byId(one: { readonly id: string | undefined }, other: { readonly id: string | undefined }): number {
  return (one.id ?? "").localeCompare(other.id ?? "");
}
