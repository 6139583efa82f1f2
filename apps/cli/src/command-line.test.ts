import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Db, statement } from "@millrace/db";
import { createTestDatabase, freePort, loadTestConfig } from "@millrace/embedded/testing";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

/** Runs a command as a shell does, in an environment of nothing but what is given. */
function millrace(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = execFile(process.execPath, [main, ...args], { env });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text: string) => (output += text));
  const ended = once(child, "close").then(([code]: unknown[]) => ({ code, output }));
  return { child, ended };
}

test.each([
  ["keys", 2, "Usage: millrace keys COMMAND"],
  ["keys make", 2, 'There is no command "make"'],
  ["keys create --name x", 2, "--scope is missing"],
  ["keys revoke a b", 2, "Name one key at a time"],
  ["keys --help", 0, "make a key"],
  ["keys create --help", 0, "only its SHA-256 is stored"],
  ["kyes", 2, 'Did you mean "keys"?'],
  ["keys lst", 2, 'Did you mean "list"?'],
  ["alerts silence x --for 2h", 2, "Say why with --why"],
  ["alerts silence x --for ever --why y", 2, "--for ever: write 30m, 2h or 3d"],
  ["alerts ack", 2, "Name one alert"],
  ["doctor --frobnicate", 2, "There is no option --frobnicate."],
  ["completion fish", 2, 'There is no command "fish"'],
  ["migrate", 2, "Usage: millrace migrate COMMAND"],
  ["migrate sideways", 2, 'There is no command "sideways"'],
  ["migrate up --to first", 2, "--to first: give the number of a migration"],
  ["migrate up --check", 2, "--check does not belong here"],
  ["migrate status --directory /nowhere", 2, "--directory /nowhere is not a folder"],
  ["migrate new", 2, "Give the migration a name"],
  ["demo --seconds soon", 2, "--seconds: write a whole number"],
  ["demo --file /nowhere.log", 2, "--file /nowhere.log cannot be read"],
  ["demo --file /", 2, "--file / is a folder"],
] as const)("%s ends with %d and says: %s", async (line, exitCode, message) => {
  const { code, output } = await millrace(line.split(" ")).ended;
  expect(output).toContain(message);
  expect(output).not.toMatch(/\n +at /);
  expect(code).toBe(exitCode);
});

test.each(["keys list", "migrate status"])(
  "%s without a database says which was tried, or what to set",
  async (line) => {
    await using dir = await mkdtempDisposable(join(tmpdir(), "millrace-cli-"));
    const none = await millrace(line.split(" "), { DATA_DIR: dir.path }).ended;
    expect(none).toMatchObject({ code: 2, output: expect.stringContaining("DATABASE_URL is not set") });
    const port = await freePort();
    const gone = await millrace(line.split(" "), { DATABASE_URL: `postgres://me:hidden@127.0.0.1:${port}/mine` }).ended;
    expect(gone).toMatchObject({
      code: 1,
      output: expect.stringContaining(`127.0.0.1:${port}/mine does not let us in`),
    });
    expect(gone.output).not.toMatch(/hidden|\n +at /);
  },
);

test("npx millrace runs these commands in the clone", async () => {
  const { searchPath } = loadTestConfig(process.env);
  const child = execFile("npx", ["--no", "millrace", "jobs", "lst"], {
    cwd: fileURLToPath(new URL("../../..", import.meta.url)),
    env: { PATH: searchPath },
  });
  let output = "";
  child.stderr?.on("data", (text: string) => (output += text));
  const [code] = await once(child, "close");
  expect([code, output]).toEqual([2, expect.stringContaining('Did you mean "list"?')]);
});

test("demo where nothing listens is one line", async () => {
  const { code, output } = await millrace(["demo"], { PORT: String(await freePort()) }).ended;
  expect(code).toBe(1);
  expect(output).toMatch(/^Nothing listens at \S+ Start Millrace with: npm start.*\n$/);
});

const scratchDatabases = statement<[pid: string], { datname: string }>(
  "test.scratch_databases",
  "SELECT datname FROM pg_database WHERE datname LIKE 'millrace\\_scratch\\_' || $1 || '\\_%'",
);

test.each(["interrupted", "left by its reader"])("verify that is %s leaves no database behind", async (how) => {
  await using database = await createTestDatabase();
  const { child, ended } = millrace(["migrate", "verify"], { DATABASE_URL: database.url });
  const { stdout, pid } = child;
  if (stdout === null || pid === undefined) throw new Error("It did not start");
  await once(stdout, "data");
  expect(await databasesOf(database.db, pid)).toHaveLength(1);
  if (how === "interrupted") child.kill("SIGINT");
  else stdout.destroy();
  const { code, output } = await ended;
  expect(code).toBe(how === "interrupted" ? 130 : 0);
  expect(output).not.toMatch(/\n +at /);
  expect(await databasesOf(database.db, pid)).toEqual([]);
});

function databasesOf(db: Db, pid: number): Promise<{ datname: string }[]> {
  return db.rows(scratchDatabases, [String(pid)]);
}
