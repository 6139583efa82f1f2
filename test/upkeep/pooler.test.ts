import { statement } from "@millrace/db";
import { findPgbouncer } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { type Api, startFleet } from "../domain/fleet.ts";

const { program: pooler, missing } = await findPgbouncer();

test.skipIf(pooler === undefined)(
  `API and workers do all they do behind PgBouncer${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    await using fleet = await startFleet({ apis: 1, workers: 2, pooler });
    const [api] = fleet.apis as [Api];
    const ids = Array.from({ length: 200 }, (_, n) => `event-${n}`);
    const events = ids.map((id) => ({ id, source: "test", type: "test" }));
    expect((await api.call("POST", "/v1/events", { body: events })).status).toBe(202);
    const address = `0x${"a1".repeat(20)}`;
    const writes = Array.from({ length: 20 }, (_, n) =>
      api.call("PUT", `/v1/users/${address}`, { body: { display_name: `name ${n}` }, headers: { prefer: "wait=10" } }),
    );
    for (const { status } of await Promise.all(writes)) expect(status).toBe(200);
    const stored = statement<[], { n: number }>("test.stored", "SELECT count(*)::int AS n FROM telemetry_events");
    await expect.poll(() => fleet.db.rows(stored, []), { timeout: 10_000 }).toEqual([{ n: 200 }]);
    const listed = await api.call("GET", "/v1/events?limit=200");
    expect(listed.body["events"]).toHaveLength(200);

    for (const job of ["performance.monitor", "expired.clean_up", "indexes.analyse", "partitions.keep"]) {
      expect((await api.call("POST", `/database/maintenance/${job}/run`)).status).toBe(202);
    }
    const outcomes = async () => {
      const { body } = await api.call("GET", "/database/maintenance");
      const jobs = body["jobs"] as { runs: { outcome: string | null }[] }[];
      return jobs.flatMap(({ runs }) => runs.map(({ outcome }) => outcome));
    };
    await expect
      .poll(async () => (await outcomes()).filter((outcome) => outcome === "done").length, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(4);
    expect(await outcomes()).not.toContain("failed");
  },
  60_000,
);
