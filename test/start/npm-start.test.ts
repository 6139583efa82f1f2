import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { createTestDatabase, createTestRedis, freePort } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { runCommand } from "../upkeep/run-command.ts";
import { startMillrace } from "./started.ts";

const shell = promisify(execFile);

test("what npm start prints works when pasted; Ctrl-C stops all of it; the next start finds its data", async () => {
  await using folder = await dataFolder();
  const env = { DATA_DIR: folder.path, PORT: String(await freePort()) };
  let children: number[] = [];
  {
    await using first = startMillrace(env);
    const [send = "", read = ""] = commandsIn(await first.banner);
    expect(await pasted(send)).toMatch(/202 Accepted[\s\S]*"accepted":1/);
    await untilContains(read, '"type":"hello"');
    // With no other variable than where the data is, as somebody has it who just cloned.
    const doctor = await runCommand(["doctor", "--json", "--quiet"], env);
    const { findings } = JSON.parse(doctor.out);
    expect(findings.filter(({ status }: { status: string }) => status === "fail")).toEqual([]);
    expect(doctor.code).toBe(0);
    children = await descendantsOf(first.pid);
    expect(children.length).toBeGreaterThan(3);
    first.interrupt();
    const { code, output } = await first.ended;
    expect(code).toBe(0);
    expect(output).toMatch(/Stopped\.\n$/);
  }
  expect(await living(children)).toEqual([]);
  await using second = startMillrace(env);
  const [, read = ""] = commandsIn(await second.banner);
  expect(await pasted(read)).toContain('"type":"hello"');
});

test("two copies run side by side; a second one on the same data says what to do", async () => {
  await using one = await dataFolder();
  await using other = await dataFolder();
  await using first = startMillrace({ DATA_DIR: one.path, PORT: String(await freePort()) });
  await using second = startMillrace({ DATA_DIR: other.path, PORT: String(await freePort()) });
  for (const banner of await Promise.all([first.banner, second.banner])) {
    expect(await pasted(commandsIn(banner)[0] ?? "")).toContain("202 Accepted");
  }
  await using third = startMillrace({ DATA_DIR: one.path, PORT: String(await freePort()) });
  const { code, output } = await third.ended;
  expect(code).toBe(1);
  expect(output).toMatch(/in use by another process.*DATA_DIR=/);
});

test("servers that are given are used; without loopback there is no development key", async () => {
  await using folder = await dataFolder();
  await using database = await createTestDatabase();
  await using redis = await createTestRedis();
  await using started = startMillrace({
    DATA_DIR: folder.path,
    PORT: String(await freePort()),
    HOST: "0.0.0.0",
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    QUEUE_PREFIX: redis.prefix,
  });
  const banner = await started.banner;
  expect(banner).toContain(`PostgreSQL  given: ${new URL(database.url).host}`);
  expect(banner).toContain("Key         create one: npm run keys");
  const [send = ""] = commandsIn(banner);
  expect(await pasted(send.replace("0.0.0.0", "127.0.0.1").replace("KEY", "millrace-dev"))).toContain("401");
  expect(await readdir(folder.path)).toEqual(["running.json"]);
});

test("a database that cannot be reached is one message and an exit code", async () => {
  await using folder = await dataFolder();
  const nobody = await freePort();
  await using started = startMillrace({
    DATA_DIR: folder.path,
    DATABASE_URL: `postgres://me:hidden@127.0.0.1:${nobody}/mine`,
    REDIS_URL: `redis://127.0.0.1:${nobody}`,
  });
  const { code, output } = await started.ended;
  expect(code).toBe(1);
  expect(output).toContain(`127.0.0.1:${nobody}`);
  expect(output).not.toMatch(/hidden|\n +at /);
});

async function dataFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "millrace-start-"));
  await chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function commandsIn(banner: string): string[] {
  return [...banner.matchAll(/^ {2}(curl .*)$/gm)].map(([, command = ""]) => command);
}

async function pasted(command: string): Promise<string> {
  return (await shell("bash", ["-c", command])).stdout;
}

/** Acceptance is an answer, not a row: the row is there a moment later. */
async function untilContains(command: string, text: string): Promise<void> {
  while (!(await pasted(command)).includes(text)) await sleep(20);
}

async function descendantsOf(pid: number): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ").map(Number);
  const below = await Promise.all(children.filter((child) => child > 0).map(descendantsOf));
  return [...children.filter((child) => child > 0), ...below.flat()];
}

async function living(pids: readonly number[]): Promise<number[]> {
  const running = new Set(await readdir("/proc"));
  return pids.filter((pid) => running.has(String(pid)));
}
