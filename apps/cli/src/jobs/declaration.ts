import { adminKeyNote, type CommandDeclaration, helpOption, jsonOption, urlOption } from "../commands/declaration.ts";

export const jobsCommand = {
  name: "jobs",
  summary: "list what runs by the clock, or run it now",
  about: "The jobs that run by the clock.",
  subcommands: {
    list: { summary: "when each runs, and how its last run went" },
    run: { arguments: "NAME", summary: "have a worker run it now, and wait until it has" },
  },
  options: {
    wait: { type: "boolean", default: true, isNegative: true, of: ["run"], summary: "do not wait" },
    json: jsonOption,
    url: urlOption,
    help: helpOption,
  },
  notes: `${adminKeyNote}
Exit codes: 0 done, 1 not done or the run failed, 2 the command line makes no sense, 130 interrupted.`,
} as const satisfies CommandDeclaration;
