import process from "node:process";
import { parseArgs } from "node:util";
import { withBenchServers } from "./bench-servers.ts";
import { runCache } from "./cache/cache.ts";
import { runStaleness } from "./cache/staleness.ts";
import { runExport } from "./export.ts";
import { indexSets } from "./index-sets.ts";
import { runIngest } from "./ingest.ts";
import { runMonitor } from "./monitor.ts";
import { runOverload } from "./overload.ts";
import { runPartitions } from "./partitions.ts";
import { runWorkload } from "./workload/workload.ts";

const help = `npm run bench -- NAME [--json]

  ingest   events end to end beside COPY, INSERT per request, a job an event, and HTTP alone
  export   a download of a million rows and the memory it takes (--rows N)

  overload  three times what the workers can take, and what becomes of it (--seconds N, --max-wait-ms N)

  staleness  readers and writers in three processes, here and with other caches; reads too old (--seconds N)
  cache     cached reads beside a bare route and beside one GET of Redis, and the library beside others (--requests N)

  workload  reads and writes of the domain at 250 a second and at ten times that, with ingest beside (--seconds N)

  partitions  recent reads with 1 to 120 months, and storing rows during upkeep (--rows N)

  monitor   CPU time of a statement, and statements a second, with their figures being noted and without (--seconds N)

  --events N   events of each measured load (ingest; default 300000)
  --indexes S  all, or core: what a smaller schema would have, to see what the others cost (ingest; default all)
  --json       the last line is one JSON object

Everything runs on this machine, on PostgreSQL and Redis of its own that are removed afterwards.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", short: "h" },
    json: { type: "boolean", default: false },
    events: { type: "string", default: "300000" },
    indexes: { type: "string", default: "all" },
    seconds: { type: "string", default: "60" },
    "max-wait-ms": { type: "string", default: "5000" },
    requests: { type: "string", default: "60000" },
    rows: { type: "string", default: "1000000" },
  },
});
const [name] = positionals;
const { json } = values;

const events = Number(values.events);
const rows = Number(values.rows);
const indexes = indexSets.find((set) => set === values.indexes);
const requests = Number(values.requests);
const seconds = Number(values.seconds);
const maxWaitMs = Number(values["max-wait-ms"]);
const isCount = (count: number): boolean => Number.isSafeInteger(count) && count > 0;

if (values.help || name === undefined) {
  process.stdout.write(help);
} else if (indexes === undefined || ![events, rows, requests, seconds, maxWaitMs].every(isCount)) {
  process.stderr.write(
    `--events, --rows, --requests, --seconds and --max-wait-ms are positive whole numbers, --indexes is ${indexSets.join(" or ")}.\n`,
  );
  process.exitCode = 2;
} else if (name === "ingest") {
  await withBenchServers((servers) => runIngest({ json, events, indexes, servers }));
} else if (name === "overload") {
  await withBenchServers((servers) => runOverload({ json, seconds, maxWaitMs, servers }));
} else if (name === "staleness") {
  await withBenchServers((servers) => runStaleness({ json, seconds, servers }));
} else if (name === "workload") {
  await withBenchServers((servers) => runWorkload({ json, seconds, servers }));
} else if (name === "cache") {
  await withBenchServers((servers) => runCache({ json, requests, servers }));
} else if (name === "partitions") {
  await withBenchServers((servers) => runPartitions({ json, rows, servers }));
} else if (name === "monitor") {
  await withBenchServers((servers) => runMonitor({ json, seconds, servers }));
} else if (name === "export") {
  await withBenchServers(({ databaseUrl }) => runExport({ json, rows, databaseUrl }));
} else {
  process.stderr.write(`There is no bench "${name}".\n\n${help}`);
  process.exitCode = 2;
}
