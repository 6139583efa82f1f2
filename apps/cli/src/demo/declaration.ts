import { type CommandDeclaration, helpOption } from "../commands/declaration.ts";

/** Its help has more to say, and is written out in arguments.ts. */
export const demoCommand = {
  name: "demo",
  summary: "send this machine's telemetry, or log files",
  about: "Sends real telemetry to a running Millrace, then asks until every accepted event is seen in the database.",
  subcommands: {},
  options: {
    seconds: { type: "string", value: "N", summary: "measure for N seconds (default 10)" },
    every: { type: "string", value: "MS", summary: "milliseconds from one measurement to the next (default 500)" },
    file: { type: "string", multiple: true, value: "PATH", summary: "send a log file instead; may be repeated" },
    source: { type: "string", value: "NAME", summary: "the events' source" },
    url: { type: "string", value: "URL", summary: "where Millrace listens" },
    key: { type: "string", value: "KEY", summary: "the key to use, with the scopes ingest and read" },
    json: { type: "boolean", summary: "print the summary as one line of JSON" },
    help: helpOption,
  },
} as const satisfies CommandDeclaration;
