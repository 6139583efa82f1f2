import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@millrace/runtime";
import { expect, test } from "vitest";
import { loadAlertRules, rulesWith } from "./load-rules.ts";
import { observedNames } from "./rule.ts";

const mine = {
  id: "mine",
  severity: "critical",
  value: "oldest_job_seconds",
  summary: "Jobs wait",
  fire_at: 5,
  clear_at: 1,
  runbook: "https://wiki.example.org/jobs",
};

test("a file changes rules by their ids, turns them off and adds some", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "millrace-rules-"));
  const file = join(folder.path, "rules.json");
  const content = [{ id: "query_latency", fire_at: 250 }, { id: "wraparound", enabled: false }, mine];
  await writeFile(file, JSON.stringify(content));
  const byId = new Map((await loadAlertRules(file)).map((one) => [one.id, one]));
  expect(byId.get("query_latency")).toMatchObject({ fire_at: 250, clear_at: 80 });
  expect(byId.has("wraparound")).toBe(false);
  expect(byId.get("mine")).toMatchObject({ ...mine, for_seconds: 120, no_data: "hold" });
});

test.each([
  [{ id: "query_latency" }, "write a list of rules"],
  [["query_latency"], "rule 1: Invalid input: expected object"],
  [[{ fire_at: 1 }], "rule 1: id: Invalid input"],
  [[{ id: "query_latency", fire_at: "much" }], 'rule 1 ("query_latency"): fire_at: Invalid input: expected number'],
  [[{ id: "query_latency", fires_at: 1 }], 'there is no "fires_at" in a rule. Did you mean "fire_at"?'],
  [[{ id: "query_latency", fire_at: 50 }], '"query_latency": clear_at (80) must lie below fire_at (50)'],
  [[{ id: "cache_hits", clear_at: 0.5 }], '"cache_hits": clear_at (0.5) must lie above fire_at (0.6)'],
  [[{ id: "query_latncy", fire_at: 250 }], 'none of that id. Did you mean "query_latency"?'],
  [[{ ...mine, value: "nothing" }], 'rule 1 ("mine"): value: Invalid option'],
  [[mine, mine], 'rule 2: there is another "mine" before it'],
])("%j is refused with what is wrong", (content, message) => {
  expect(() => rulesWith(content)).toThrow(ConfigError);
  expect(() => rulesWith(content)).toThrow(message);
});

test("a file that is not there or not JSON is named", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "millrace-rules-"));
  const file = join(folder.path, "rules.json");
  await expect(loadAlertRules(file)).rejects.toThrow(`ALERT_RULES: ${file}: it cannot be read`);
  await writeFile(file, "[{]");
  await expect(loadAlertRules(file)).rejects.toThrow(`ALERT_RULES: ${file}: it is not JSON`);
});

test("everything that can be looked at has a rule, and each rule its place in a runbook", async () => {
  const rules = rulesWith();
  expect(rules.map(({ value }) => value).toSorted()).toEqual(observedNames.toSorted());
  for (const { id, runbook } of rules) {
    const [file = "", anchor] = runbook.split("#");
    expect(anchor, id).toBe(id);
    const text = await readFile(new URL(`../../../../docs/runbooks/${file}`, import.meta.url), "utf8");
    expect(text.split("\n"), `${runbook} has a heading`).toContain(`## ${id}`);
  }
});
