import { execFileSync, spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const scriptFor = (shell: string): string =>
  execFileSync(process.execPath, [main, "completion", shell], { encoding: "utf8", env: {} });

/** What bash would offer for the last of these words. */
function offeredFor(...words: string[]): string[] {
  const script = `${scriptFor("bash")}
COMP_WORDS=(millrace "$@")
COMP_CWORD=$#
_millrace
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script, "bash", ...words], { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

test("bash is offered commands, then their subcommands, then the options of just these, and values where they are few", () => {
  expect(offeredFor("d")).toEqual(["doctor", "dead-letters", "demo"]);
  expect(offeredFor("alerts", "")).toEqual(["list", "history", "ack", "silence", "unsilence", "--help"]);
  expect(offeredFor("alerts", "silence", "--")).toEqual(["--for", "--why", "--by", "--json", "--url", "--help"]);
  expect(offeredFor("alerts", "silence", "query_latency", "--w")).toEqual(["--why"]);
  expect(offeredFor("jobs", "run", "--no")).toEqual(["--no-wait"]);
  expect(offeredFor("keys", "create", "--scope", "")).toEqual(["ingest", "write", "read", "admin"]);
  expect(offeredFor("doctor", "--j")).toEqual(["--json"]);
  expect(offeredFor("frobnicate", "--nothing")).toEqual([]);
});

test("the script for zsh names all commands and registers itself", () => {
  const script = scriptFor("zsh");
  expect(script).toContain("compdef _millrace millrace");
  for (const name of ["start", "doctor", "dead-letters"]) expect(script).toContain(` ${name} `.trim());
});
