import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createEventStore } from "./testing/event-store.ts";
import { createFaultServer } from "./testing/fault-server.ts";

const program = fileURLToPath(new URL("./testing/sender.ts", import.meta.url));

interface Sender extends AsyncDisposable {
  /** The first that it writes to standard output. */
  readonly said: Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly errors: string }>;
  stop(): void;
}

function runSender(...args: string[]): Sender {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const errors = text(child.stderr);
  const ended = once(child, "exit").then(async ([code, signal]) => ({ code, signal, errors: await errors }));
  return {
    said: once(child.stdout, "data").then(([said]) => String(said)),
    ended,
    stop: () => child.kill("SIGTERM"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

const ending = { code: 0, signal: null, errors: "" };

test("a process that forgot to close sends its events before it ends, through faults", async () => {
  const store = createEventStore();
  await using server = await createFaultServer(store.answer, [{ status: 503 }, "reset after" as const].values());
  await using sender = runSender(server.url, "end", "beforeExit");
  expect(await sender.ended).toEqual(ending);
  expect(store.events.size).toBe(1);
});

test("a process that awaits a flush stays for its retries", async () => {
  const store = createEventStore();
  await using server = await createFaultServer(store.answer, [{ status: 503 }, { status: 503 }].values());
  await using sender = runSender(server.url, "await");
  expect(await sender.said).toBe("accepted 1");
  expect(await sender.ended).toEqual(ending);
});

test("a process that does not ask for it is not kept by events that wait", async () => {
  await using server = await createFaultServer(createEventStore().answer);
  await using sender = runSender(server.url, "end");
  expect(await sender.ended).toEqual(ending);
  expect(server.requests).toHaveLength(0);
});

test("a server that is down keeps a process no longer than flushTimeoutMs, and the loss is told", async () => {
  await using server = await createFaultServer(() => ({ status: 503, headers: { "retry-after": "600" } }));
  await using sender = runSender(server.url, "end", "beforeExit");
  const { code, errors } = await sender.ended;
  expect(code).toBe(0);
  expect(errors).toContain("An event was dropped: the client is closed");
  expect(errors).not.toContain("rejection");
});

test("SIGTERM first sends, then ends the process as it would have, if that is asked for", async () => {
  const store = createEventStore();
  await using server = await createFaultServer(store.answer, ["reset before" as const].values());
  await using sender = runSender(server.url, "stay", "SIGTERM");
  await sender.said;
  sender.stop();
  expect(await sender.ended).toEqual({ ...ending, code: null, signal: "SIGTERM" });
  expect(store.events.size).toBe(1);

  await using other = runSender(server.url, "stay");
  await other.said;
  other.stop();
  expect(await other.ended).toEqual({ ...ending, code: null, signal: "SIGTERM" });
  expect(store.events.size).toBe(1);
});
