import process from "node:process";
import { connectPostgres, statement } from "@millrace/db";
import { createAlertRounds } from "../alert-rounds.ts";
import { rulesWith } from "../load-rules.ts";
import { webhookReceiver } from "../webhook.ts";

/** A process that looks at one alert as often as it can, and tells a webhook. It fires while the test says so. */
const { url, webhook } = JSON.parse(process.argv[2] ?? "{}");
const db = await connectPostgres({ url, applicationName: "evaluator", maxConnections: 3, minConnections: 0 });
const readConsumers = statement<[], { count: number }>("test.read_consumers", "SELECT count FROM test_consumers");
const round = createAlertRounds({
  db,
  partitionedTable: "telemetry_events",
  diskBytes: undefined,
  readQueues: async () => ({ oldestWaitMs: 0, consumers: (await db.rows(readConsumers, []))[0]?.count ?? 0 }),
  rules: rulesWith([{ id: "no_consumer", for_seconds: 0 }]).filter(({ id }) => id === "no_consumer"),
  receivers: [webhookReceiver({ kind: "json", url: webhook }, { secret: undefined })],
  publicUrl: undefined,
  onError: () => {},
});
process.once("disconnect", () => process.exit());
for (;;) {
  await round();
  process.send?.("looked");
}
