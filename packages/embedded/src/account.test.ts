import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { canReach } from "./account.ts";
import { createServerFolder } from "./testing/server-folder.ts";

const stranger = { uid: 64_001, gid: 64_001 };

test("an account reaches what every folder on the way lets it pass to", async () => {
  await using folder = await createServerFolder();
  const file = await fileBelow(folder.path, 0o711);
  expect(await canReach(stranger, file)).toBe(true);
});

test("one folder that is closed to an account keeps it from all that is below", async () => {
  await using folder = await createServerFolder();
  const file = await fileBelow(folder.path, 0o700);
  expect(await canReach(stranger, file)).toBe(false);
});

test("our own account is never in doubt", async () => {
  await using folder = await createServerFolder();
  expect(await canReach(undefined, await fileBelow(folder.path, 0o700))).toBe(true);
});

async function fileBelow(path: string, mode: number): Promise<string> {
  const folder = join(path, "between");
  const file = join(folder, "program");
  await mkdir(folder);
  await writeFile(file, "", { mode: 0o755 });
  await chmod(file, 0o755);
  await chmod(folder, mode);
  return file;
}
