import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { type ProcessPlan, startProcess } from "./supervise.ts";

test("a program that ends at once is an error that shows its last words", async () => {
  const plan = planOf("process.exit(3)", { lastOutput: async () => "no disk left\n" });
  await expect(startProcess(plan)).rejects.toThrow(/^Thing did not start: exit code 3\. It said last:\nno disk left$/);
});

test("a program that is not there is an error that names it", async () => {
  const plan = planOf("", { spawn: () => spawn("/nowhere/thing") });
  await expect(startProcess(plan)).rejects.toThrow("it could not be executed (/nowhere/thing)");
});

test("a program that is not ready in time is ended and reported", async () => {
  let child: ChildProcess | undefined;
  const plan = planOf("setInterval(() => {}, 1000)", {
    startTimeoutMs: 300,
    ready: async (spawned, signal) => {
      child = spawned;
      await once(signal, "abort");
    },
  });
  await expect(startProcess(plan)).rejects.toThrow("Thing did not start: not ready after 0.3 s.");
  expect(child?.signalCode).toBe("SIGTERM");
});

test("a program that dies is started again, until it is stopped", async () => {
  const children: ChildProcess[] = [];
  const { promise: isBack, resolve } = Promise.withResolvers<void>();
  {
    await using _running = await startProcess(
      planOf(stays, {
        ready: async (child) => {
          children.push(child);
          await once(child, "message");
        },
        log: (line) => line === "Thing is running again" && resolve(),
      }),
    );
    children[0]?.kill("SIGKILL");
    await isBack;
  }
  expect(children.map((child) => child.signalCode)).toEqual(["SIGKILL", "SIGTERM"]);
});

test("one that does not listen is made to end when hurry is asked for", async () => {
  const hurry = new AbortController();
  let child: ChildProcess | undefined;
  const running = await startProcess(
    planOf(`process.on("SIGTERM", () => process.send("asked")); ${stays}`, {
      stopTimeoutMs: 60_000,
      hurry: hurry.signal,
      ready: async (spawned) => {
        child = spawned;
        await once(spawned, "message");
      },
    }),
  );
  child?.once("message", () => hurry.abort());
  await running[Symbol.asyncDispose]();
  expect(child?.signalCode).toBe("SIGKILL");
});

const stays = `setInterval(() => {}, 1000); process.send("ready");`;

function planOf(script: string, plan: Partial<ProcessPlan>): ProcessPlan {
  return {
    name: "Thing",
    spawn: () => spawn(process.execPath, ["-e", script], { stdio: ["ignore", "ignore", "ignore", "ipc"] }),
    ready: async () => await new Promise<never>(() => {}),
    startTimeoutMs: 30_000,
    stopSignal: "SIGTERM",
    stopTimeoutMs: 10_000,
    lastOutput: async () => "",
    log: () => {},
    ...plan,
  };
}
