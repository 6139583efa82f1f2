import { once } from "node:events";
import { migrateUp } from "../migrate.ts";

process.send?.("ready");
await once(process, "message");
const result = await migrateUp(JSON.parse(process.argv[2] ?? "{}")).catch((error: unknown) => ({
  error: String(error),
}));
process.send?.(result);
process.disconnect();
