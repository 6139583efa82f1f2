import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { migrateUp } from "@millrace/db";
import { createServerFolder, findServerTools, startToolServer } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { type Api, startFleet } from "../domain/fleet.ts";
import { runCommand } from "./run-command.ts";

const bin = await findServerTools();
const migrations = fileURLToPath(new URL("../../migrations", import.meta.url));

interface Backups {
  readonly directory: string | null;
  readonly looked_at: string | null;
  readonly backups: readonly { readonly id: string; readonly damage: string | null }[];
  readonly drills: readonly object[];
}

test.skipIf(bin === undefined)(
  "backups are made by a command, tried by a worker, and told by an API that cannot see them (skipped without tools)",
  async () => {
    await using folder = await createServerFolder();
    await using server = await startToolServer({ bin: bin ?? "", folder: folder.path, name: "server" });
    await migrateUp({ url: server.url, directory: migrations });
    const environment = { DATABASE_URL: server.url, BACKUP_DIR: join(folder.path, "backups") };
    await using fleet = await startFleet({ apis: 1, workers: 1, environment });
    const [api] = fleet.apis as [Api];
    // The answer's shape is what its schema made of it.
    const told = async () => (await api.call("GET", "/database/backups")).body as unknown as Backups;
    const run = async (job: string): Promise<string | null> => {
      const { body } = await api.call("POST", `/database/maintenance/${job}/run`);
      const find = async () => {
        const { body: all } = await api.call("GET", "/database/maintenance");
        const jobs = all["jobs"] as { name: string; runs: { queue_job_id: string; outcome: string | null }[] }[];
        const { runs = [] } = jobs.find(({ name }) => name === job) ?? {};
        return runs.find(({ queue_job_id }) => queue_job_id === body["queue_job_id"])?.outcome ?? null;
      };
      await expect.poll(find, { timeout: 60_000 }).not.toBeNull();
      return await find();
    };
    expect(await told()).toEqual({ directory: null, looked_at: null, backups: [], drills: [] });

    const first = await runCommand(["backup", "create", "--json"], environment);
    expect(first.code, first.err).toBe(0);
    const { id } = JSON.parse(first.out) as { id: string };
    expect(await told()).toMatchObject({
      directory: environment.BACKUP_DIR,
      looked_at: expect.stringMatching(/Z$/),
      backups: [{ id, lsn: expect.stringMatching(/^\d+\/[0-9A-F]+$/), verified_at: null }],
      drills: [],
    });
    expect(await run("backup.drill")).toBe("done");
    expect(await told()).toMatchObject({
      backups: [{ id, verified_at: expect.stringMatching(/Z$/), damage: null }],
      drills: [
        { backup_id: id, outcome: "sound", rto_ms: expect.any(Number), rpo_ms: expect.any(Number), error: null },
      ],
    });

    const second = await runCommand(["backup", "create", "--json"], environment);
    const { id: newer } = JSON.parse(second.out) as { id: string };
    expect((await told()).backups.map((backup) => backup.id)).toEqual([newer, id]);
    const control = join(environment.BACKUP_DIR, newer, "data/global/pg_control");
    const bytes = await readFile(control);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(control, bytes);
    // The database is not told by a command that knows none; the next look finds it.
    const verified = await runCommand(["backup", "verify", newer], {
      BACKUP_DIR: environment.BACKUP_DIR,
      DATA_DIR: folder.path,
    });
    expect(verified).toMatchObject({ code: 1, err: expect.stringContaining("pg_control") });
    expect((await told()).backups[0]?.damage).toBeNull();
    expect(await run("backup.look")).toBe("done");
    expect((await told()).backups[0]?.damage).toContain("pg_control");
    expect(await run("backup.drill")).toBe("failed");
    expect((await told()).drills).toMatchObject([
      { backup_id: newer, outcome: "failed", rto_ms: null, error: expect.stringContaining("pg_control") },
      { backup_id: id, outcome: "sound" },
    ]);
    expect(await readdir(environment.BACKUP_DIR)).toContain("history.ndjson");
  },
  240_000,
);
