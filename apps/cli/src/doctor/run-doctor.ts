import { say } from "../command-error.ts";
import { runDeclared } from "../commands/run-declared.ts";
import { loadDoctorConfig, loadDoctorNeeds } from "../config.ts";
import { doctorCommand } from "./declaration.ts";
import { examine } from "./examine.ts";
import type { Finding } from "./finding.ts";

/** `doctor`. Gives the exit code: 1 when something failed. */
export async function runDoctor(args: string[]): Promise<number> {
  return await runDeclared(doctorCommand, args, async ({ values: { json, quiet } }) => {
    const config = await loadDoctorConfig(process.env);
    process.stderr.write(json ? "" : "Looking …\n");
    const findings = await examine({ ...config, ...loadDoctorNeeds(config.effective) });
    const isOk = findings.every(({ status }) => status !== "fail");
    const shown = quiet ? findings.filter(({ status }) => status !== "ok") : findings;
    const text = json ? JSON.stringify({ ok: isOk, findings: shown }, undefined, 2) : textOf(shown, findings);
    return say(text, isOk ? 0 : 1);
  });
}

function textOf(shown: readonly Finding[], all: readonly Finding[]): string {
  const width = Math.max(0, ...shown.map(({ area, name }) => area.length + name.length + 2));
  const lines = shown.flatMap(({ area, name, status, detail, mend }) => [
    `${status.padEnd(4)}  ${`${area}: ${name}`.padEnd(width)}  ${detail}`,
    ...(mend === undefined ? [] : [`${" ".repeat(width + 8)}→ ${mend}`]),
  ]);
  const count = (status: Finding["status"]): number => all.filter((finding) => finding.status === status).length;
  return [...lines, "", `${count("ok")} ok, ${count("warn")} to look at, ${count("fail")} failed`].join("\n");
}
