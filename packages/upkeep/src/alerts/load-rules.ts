import { readFile } from "node:fs/promises";
import { type AlertRule, rulesWith } from "./rule.ts";

/** The rules, with what a JSON file says of them. Rejects with an error that names the file and what is wrong in it. */
export async function loadAlertRules(file: string | undefined): Promise<AlertRule[]> {
  if (file === undefined) return rulesWith();
  try {
    return rulesWith(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    throw new Error(`ALERT_RULES: ${file}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
