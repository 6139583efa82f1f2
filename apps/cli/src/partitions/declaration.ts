import { type CommandDeclaration, helpOption, jsonOption } from "../commands/declaration.ts";

export const partitionsCommand = {
  name: "partitions",
  summary: "list, plan, apply, detach, drop or restore the months of telemetry",
  about: "The monthly partitions of telemetry_events. MONTH is YYYY-MM or the partition's name.",
  subcommands: {
    list: { summary: "what there is" },
    plan: { summary: "what retention would do now, with the locks that it takes" },
    apply: { summary: "do what retention would do; the workers do it each hour" },
    detach: {
      arguments: "MONTH",
      summary: "take a month out of the table; its rows are kept until you drop it, and nobody finds them any more",
    },
    drop: {
      arguments: "MONTH",
      summary: "drop a month that was taken out (with --export DIR it is written there before)",
    },
    restore: { arguments: "FILE", summary: "bring an exported month back into the table" },
  },
  options: {
    export: { type: "string", value: "DIR", of: ["drop"], summary: "write NAME.ndjson.zst with a manifest there" },
    yes: { type: "boolean", default: false, of: ["drop"], summary: "really drop what was not exported" },
    json: jsonOption,
    help: helpOption,
  },
  notes: `The environment's DATABASE_URL, else the PostgreSQL of \`npm start\`, and PARTITION_RETENTION_DAYS,
PARTITION_RETENTION_BYTES, PARTITION_GRACE_DAYS and PARTITION_EXPORT_DIR as for the worker.
Exit codes: 0 done, 1 not done, 2 the command line makes no sense.`,
} as const satisfies CommandDeclaration;
