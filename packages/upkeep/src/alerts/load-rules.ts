import { readFile } from "node:fs/promises";
import { ConfigError, suggestionFor } from "@millrace/runtime";
import { z } from "zod";
import { common, defaultRules } from "./default-rules.ts";
import { type AlertRule, ruleShape } from "./rule.ts";

const change = ruleShape
  .partial()
  .required({ id: true })
  .extend({ enabled: z.boolean().default(true) });

/** The rules, with what a JSON file says of them. Rejects with a `ConfigError` that lists what is wrong in the file. */
export async function loadAlertRules(file: string | undefined): Promise<AlertRule[]> {
  if (file === undefined) return rulesWith();
  const told = (problem: string): ConfigError => new ConfigError([`ALERT_RULES: ${file}: ${problem}`]);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw told(`it cannot be read: ${error instanceof Error ? error.message : error}`);
  });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw told(`it is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  return rulesWith(content, `ALERT_RULES: ${file}: `);
}

/**
 * The rules that hold: those that everybody has, with what `changed` says of them by their ids, and those that it adds.
 * Throws a `ConfigError` that lists what is wrong in it, each line beginning with `begin`.
 */
export function rulesWith(changed: unknown = [], begin = ""): AlertRule[] {
  const problems: string[] = [];
  const given = changesIn(changed, problems);
  const known = new Map(defaultRules.map((rule) => [rule.id, rule]));
  const all = [...known.keys(), ...[...given.keys()].filter((id) => !known.has(id))];
  const rules = all.flatMap((id) => {
    const { enabled, ...differences } = given.get(id) ?? { enabled: true };
    if (!enabled) return [];
    const parsed = ruleShape.safeParse({ ...common, ...known.get(id), ...differences });
    if (!parsed.success) {
      const missing = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
      const isNew = known.has(id)
        ? ""
        : ` is a new rule, since there is none of that id.${suggestionFor(id, [...known.keys()])}`;
      problems.push(`"${id}"${isNew} ${missing}`);
      return [];
    }
    const { low_is_bad, fire_at, clear_at } = parsed.data;
    if (low_is_bad ? clear_at <= fire_at : clear_at >= fire_at) {
      const side = low_is_bad ? "above" : "below";
      problems.push(
        `"${id}": clear_at (${clear_at}) must lie ${side} fire_at (${fire_at}), or it would flap; set both`,
      );
    }
    return [parsed.data];
  });
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => begin + problem));
  return rules;
}

function changesIn(content: unknown, problems: string[]): Map<string, z.output<typeof change>> {
  const given = new Map<string, z.output<typeof change>>();
  if (!Array.isArray(content)) {
    problems.push('write a list of rules, such as [{ "id": "query_latency", "fire_at": 250, "clear_at": 200 }]');
    return given;
  }
  for (const [at, one] of content.entries()) {
    const parsed = change.safeParse(one);
    if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => problemOf(at, one, issue)));
    else if (given.has(parsed.data.id)) problems.push(`rule ${at + 1}: there is another "${parsed.data.id}" before it`);
    else given.set(parsed.data.id, parsed.data);
  }
  return given;
}

function problemOf(at: number, rule: unknown, issue: z.core.$ZodIssue): string {
  const { id } = z.object({ id: z.string() }).catch({ id: "" }).parse(rule);
  const where = `rule ${at + 1}${id === "" ? "" : ` ("${id}")`}`;
  if (issue.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    return `${where}: there is no "${key}" in a rule.${suggestionFor(key, Object.keys(change.shape))}`;
  }
  return `${where}: ${[...issue.path.map(String), issue.message].join(": ")}`;
}
