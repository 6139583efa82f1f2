import { execFile } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { ConfigError } from "@millrace/runtime";
import { loadAlertRules } from "@millrace/upkeep";
import { z } from "zod";
import { type Finding, findingsOf, textOf } from "./finding.ts";

export interface ConfigurationNeeds {
  readonly root: string;
  /** The environment as the apps would have it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The variables of it that a running `npm start` tells. */
  readonly fromStart: ReadonlySet<string>;
  readonly rulesFile: string | undefined;
}

const checked = z.object({ set: z.array(z.string()), unset: z.array(z.string()), problems: z.array(z.string()) });

/** Has each app check all of its variables, as it does when it starts. */
export async function checkConfiguration(needs: ConfigurationNeeds): Promise<Finding[]> {
  const apps = await Promise.all(["api", "worker"].map((app) => checkApp(app, needs)));
  return [...apps.flat(), ...(needs.rulesFile === undefined ? [] : [await checkRules(needs.rulesFile)])];
}

async function checkApp(app: string, { root, env, fromStart }: ConfigurationNeeds): Promise<Finding[]> {
  const { ok, fail } = findingsOf("configuration");
  try {
    const { set, unset, problems } = checked.parse(
      JSON.parse(await runCheck(join(root, `apps/${app}/src/main.ts`), env)),
    );
    const failures = problems.map((problem) => fail(app, problem, `npm run ${app} -- --help lists all variables`));
    if (failures.length > 0) return failures;
    const given = set.map((name) => `${name} (${fromStart.has(name) ? "npm start" : "environment"})`);
    return [ok(app, `${given.join(", ")}; ${unset.length} others by default`)];
  } catch (error) {
    return [fail(app, `it could not be asked: ${textOf(error)}`, "npm install, and try again")];
  }
}

/** Its answer is also there when it exits with 2. */
function runCheck(main: string, env: ConfigurationNeeds["env"]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [main, "--check"], { env: { ...env }, timeout: 20_000 }, (error, out) => {
      if (out === "") reject(error ?? new Error("it said nothing"));
      else resolve(out);
    });
  });
}

async function checkRules(file: string): Promise<Finding> {
  const { ok, fail } = findingsOf("configuration");
  try {
    return ok("alert rules", `${(await loadAlertRules(file)).length} rules, with those of ${file}`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return fail("alert rules", error.problems.join("; "), "Mend the file; docs/runbooks/alerts.md shows one");
  }
}
