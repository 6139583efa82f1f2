import { adminKeyNote, type CommandDeclaration, helpOption, jsonOption, urlOption } from "../commands/declaration.ts";

export const alertsCommand = {
  name: "alerts",
  summary: "list, history, ack, silence or unsilence",
  about: "What fires, who is at it, and of what nobody is to be told.",
  subcommands: {
    list: { summary: "how each alert stands, what fires first, and where its runbook is" },
    history: { summary: "what fired and ended, the newest first" },
    ack: { arguments: "RULE", summary: "say that you are at it; forgotten when the alert ends" },
    silence: {
      arguments: "RULE --for TIME --why TEXT",
      summary: "have nobody told of it for a while",
      about: "It is looked at meanwhile; if it fires when that is over, it is told then.",
    },
    unsilence: { arguments: "RULE", summary: "from now on again" },
  },
  options: {
    for: { type: "string", value: "TIME", of: ["silence"], summary: "how long: 30m, 2h or 3d, at most 30d" },
    why: { type: "string", value: "TEXT", of: ["silence"], summary: "the reason, for others to read" },
    by: {
      type: "string",
      value: "NAME",
      of: ["ack", "silence", "unsilence"],
      summary: "who you are (default: the key's name)",
    },
    limit: { type: "string", value: "N", default: "20", of: ["history"], summary: "how many (default 20)" },
    check: { type: "boolean", default: false, of: ["list"], summary: "exit with 1 while something fires" },
    json: jsonOption,
    url: urlOption,
    help: helpOption,
  },
  notes: `${adminKeyNote} For list and history, read is enough.
Exit codes: 0 done, 1 not done or, with --check, something fires, 2 the command line makes no sense.`,
} as const satisfies CommandDeclaration;
