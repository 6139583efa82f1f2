import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { createEventStore } from "./testing/event-store.ts";
import { createFaultServer } from "./testing/fault-server.ts";

const run = promisify(execFile);
const build = join(import.meta.dirname, "../scripts/build-package.ts");
const program = `import { createClient, MillraceError } from "@millrace/client";
const millrace = createClient({ url: process.argv[2], key: "mr_key" });
millrace.send({ source: "/shop", type: "order.paid", data: { total: 12 } });
console.log(await millrace.close(), MillraceError.name);
`;

test("the published package works as plain JavaScript, without any other package", async () => {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "millrace-client-"));
  parts.defer(() => rm(folder, { recursive: true }));
  const store = createEventStore();
  const server = parts.use(await createFaultServer(store.answer));
  const installed = join(folder, "node_modules/@millrace/client");
  await mkdir(installed, { recursive: true });
  await run(process.execPath, [build, installed]);
  await writeFile(join(folder, "main.mjs"), program);
  const { stdout } = await run(process.execPath, ["--no-experimental-strip-types", "main.mjs", server.url], {
    cwd: folder,
  });
  expect(stdout).toContain("accepted: 1");
  expect(store.events.size).toBe(1);
});
