import { adminKeyNote, type CommandDeclaration, helpOption, jsonOption, urlOption } from "../commands/declaration.ts";

export const deadLettersCommand = {
  name: "dead-letters",
  summary: "list, redrive, edit or purge what PostgreSQL refused",
  about: "Events that were accepted and that PostgreSQL refused.",
  subcommands: {
    list: { summary: "the newest first" },
    show: { arguments: "ID", summary: "one, with its event" },
    redrive: { arguments: "ID … | --all", summary: "put these, or all that wait, into the queue again" },
    edit: {
      arguments: "ID --file EVENT.json",
      summary: "put another event in the place of the refused one; what it leaves out of id, source and time stays",
    },
    purge: { arguments: "ID … | --all --yes", summary: "delete these, or all, for good" },
  },
  options: {
    all: { type: "boolean", default: false, of: ["redrive", "purge"], summary: "all there are" },
    yes: { type: "boolean", default: false, of: ["purge"], summary: "really delete all" },
    file: { type: "string", value: "EVENT.json", of: ["edit"], summary: "the new event" },
    reason: { type: "string", value: "CODE", of: ["list", "redrive", "purge"], summary: "only those with this reason" },
    state: {
      type: "string",
      value: "S",
      choices: ["waiting", "redriven"],
      of: ["list", "purge"],
      summary: "only those that are waiting or redriven",
    },
    before: { type: "string", value: "TIME", of: ["purge"], summary: "only those from before then, RFC 3339" },
    limit: { type: "string", value: "N", default: "50", of: ["list"], summary: "letters to list (default 50)" },
    json: jsonOption,
    url: urlOption,
    help: helpOption,
  },
  notes: adminKeyNote,
} as const satisfies CommandDeclaration;
