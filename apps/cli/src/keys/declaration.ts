import { type CommandDeclaration, databaseNote, helpOption, jsonOption } from "../commands/declaration.ts";

export const keysCommand = {
  name: "keys",
  summary: "create, list or revoke API keys",
  about: "The keys of those who send and read.",
  subcommands: {
    create: { summary: "make a key", about: "It is shown once; only its SHA-256 is stored." },
    list: { summary: "show the keys", about: "Oldest first, with those that expired or were revoked." },
    revoke: {
      arguments: "ID|PREFIX",
      summary: "end a key",
      about: "For good: each process refuses it ten seconds later at the latest.",
    },
  },
  options: {
    name: { type: "string", value: "NAME", of: ["create"], summary: "what the key is for, for people to read" },
    scope: {
      type: "string",
      multiple: true,
      value: "SCOPE",
      choices: ["ingest", "write", "read", "admin"],
      of: ["create"],
      summary: "ingest, write, read or admin, which includes all; give it once for each",
    },
    expires: {
      type: "string",
      value: "WHEN",
      of: ["create"],
      summary: "12h, 90d or 4w from now, or a date such as 2031-01-31 (default: never)",
    },
    "events-per-second": {
      type: "string",
      value: "N",
      of: ["create"],
      summary: "what it may send before 429, instead of the limit of all keys",
    },
    "events-per-day": { type: "string", value: "N", of: ["create"], summary: "the same, for a day in UTC" },
    json: jsonOption,
    help: helpOption,
  },
  notes: databaseNote,
} as const satisfies CommandDeclaration;

export type KeysCommandName = keyof typeof keysCommand.subcommands;
