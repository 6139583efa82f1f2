import { fileURLToPath } from "node:url";
import { connectPostgres, migrateUp, statement } from "@millrace/db";
import {
  createServerFolder,
  createTestRedis,
  findServerTools,
  startToolServer,
  type ToolServer,
} from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { runService } from "../compose/service-process.ts";

const bin = await findServerTools();
const directory = fileURLToPath(new URL("../../migrations", import.meta.url));
const key = "millrace-test";
const addEvent = statement<[id: string], never>(
  "test.add_event",
  "INSERT INTO telemetry_events (id, source, type, time) VALUES ($1, 'test', 'test', now())",
);

test.skipIf(bin === undefined)(
  "a client that says what it has seen reads that from standbys too (skipped without pg_basebackup in /usr/lib/postgresql)",
  async () => {
    await using parts = new AsyncDisposableStack();
    const { path: folder } = parts.use(await createServerFolder());
    const options = { bin: bin ?? "", folder };
    const primary = parts.use(await startToolServer({ ...options, name: "primary" }));
    await migrateUp({ url: primary.url, directory });
    const copy = (run: ToolServer["run"], dataDir: string) =>
      run("pg_basebackup", ["-d", primary.url, "-D", dataDir, "-R", "-c", "fast", "--no-sync"]);
    const settings = { recovery_min_apply_delay: "700ms", hot_standby: "on" };
    const standby = parts.use(await startToolServer({ ...options, name: "standby", settings, make: copy }));
    const db = parts.use(await connectPostgres({ url: primary.url, applicationName: "test", minConnections: 0 }));
    const redis = parts.use(await createTestRedis());
    const environment = {
      DATABASE_URL: primary.url,
      DATABASE_REPLICA_URLS: standby.url,
      DATABASE_REPLICA_MAX_LAG_MS: "60000",
      REDIS_URL: redis.url,
      QUEUE_PREFIX: redis.prefix,
      LOG_LEVEL: "error",
      PORT: "0",
      DEVELOPMENT_KEY: key,
    };
    await db.run(
      statement<[], never>(
        "test.add_partition",
        "CREATE TABLE telemetry_events_test PARTITION OF telemetry_events FOR VALUES FROM (MINVALUE) TO (MAXVALUE)",
      ),
      [],
    );
    const api = parts.use(runService({ command: ["node", "apps/api/src/main.ts"], environment }, {}));
    const { url = "" } = await api.ready;
    const get = async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(url + path, { headers: { authorization: `Bearer ${key}`, ...headers } });
      return {
        status: response.status,
        position: response.headers.get("millrace-position"),
        text: await response.text(),
      };
    };
    const isRead = async () => JSON.parse((await get("/database/connections")).text).replicas[0].used;
    await expect.poll(isRead, { timeout: 10_000 }).toBe(true);

    let stale = 0;
    for (let n = 0; n < 20; n += 1) {
      await db.run(addEvent, [`event-${n}`]);
      const fresh = await get(`/v1/events/event-${n}`, { "cache-control": "no-cache", "millrace-after": "0/0" });
      expect([fresh.status, fresh.position]).toEqual([200, expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/)]);
      const after = { "millrace-after": fresh.position ?? "" };
      const stats = JSON.parse((await get("/v1/events/stats", after)).text) as { total: number };
      expect(stats.total).toBe(n + 1);
      const any = await get(`/v1/events/event-${n}`);
      if (any.status === 404) stale += 1;
      expect(any.position).toBeNull();
    }
    expect(stale).toBeGreaterThan(0);
    const wrong = await get("/v1/events", { "millrace-after": "yesterday" });
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining("Millrace-Position")]);

    await standby.kill();
    for (let n = 0; n < 20; n += 1) expect((await get(`/v1/events/event-${n}`)).status).toBe(200);
  },
  60_000,
);
