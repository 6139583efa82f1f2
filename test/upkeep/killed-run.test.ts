import { randomUUID } from "node:crypto";
import process from "node:process";
import { statement } from "@millrace/db";
import { runStatements } from "@millrace/upkeep";
import { expect, test } from "vitest";
import { type Api, startFleet } from "../domain/fleet.ts";

const job = "expired.clean_up";

test("what a worker was at when it was killed is gone on with by another, and recorded as lost", async () => {
  await using fleet = await startFleet({
    apis: 1,
    workers: 2,
    environment: {
      INGEST_JOB_LOCK_MS: "2000",
      DATABASE_QUERY_TIMEOUT_MS: "60000",
      DATABASE_STATEMENT_TIMEOUT_MS: "60000",
    },
  });
  const [api] = fleet.apis as [Api];
  const run = (text: string, ...values: unknown[]) =>
    fleet.db.run(statement<readonly unknown[], never>("test.command", text), values);
  const runs = () => fleet.db.rows(runStatements.listByJob, [job, 20]);
  const [ann, bob] = ["a1", "b0"].map((pair) => `0x${pair.repeat(20)}`);
  const session = randomUUID();
  await run("INSERT INTO users (address) VALUES ($1), ($2)", ann, bob);
  await run(
    `INSERT INTO sessions (id, a_addr, b_addr, state, created_at, expires_at)
     VALUES ($1, $2, $3, 'created', now() - interval '1 hour', now() - interval '1 s')`,
    ...[session, ann, bob],
  );
  await run("INSERT INTO blocks (blocker, blocked, expires_at) VALUES ($1, $2, now() - interval '1 s')", ann, bob);

  const ended = statement<[id: string], { state: string }>("test.state", "SELECT state FROM sessions WHERE id = $1");
  const killed = await fleet.db.transaction(async (tx) => {
    // Its first step can be done, its second one waits.
    await tx.run(statement<[], never>("test.lock", "LOCK TABLE blocks"), []);
    expect((await api.call("POST", `/database/maintenance/${job}/run`)).status).toBe(202);
    await expect.poll(() => fleet.db.rows(ended, [session]), { timeout: 20_000 }).toEqual([{ state: "ended" }]);
    const [underWay] = (await runs()).filter(({ outcome }) => outcome === null);
    if (underWay === undefined) throw new Error("The run waits for the lock");
    process.kill(Number(underWay.worker.split(":").at(-1)), "SIGKILL");
    return underWay;
  });
  const runAgain = async () =>
    (await runs()).find(
      ({ id, outcome, changed }) => id !== killed.id && outcome === "done" && changed["blocks_removed"] === 1,
    );
  await expect.poll(runAgain, { timeout: 30_000 }).toBeDefined();
  expect((await runs()).find(({ id }) => id === killed.id)).toMatchObject({ outcome: "lost" });
  expect((await runAgain())?.worker).not.toBe(killed.worker);
}, 60_000);
