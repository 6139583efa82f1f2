import { type CommandDeclaration, databaseNote, helpOption, jsonOption } from "../commands/declaration.ts";

export const migrateCommand = {
  name: "migrate",
  summary: "up, down, status, verify or new",
  about: "The schema of the database.",
  subcommands: {
    up: { summary: "apply what is pending", about: "In order. Safe to start in many places at once." },
    down: {
      summary: "take back the newest, or go back to a version",
      about: "By their down files, newest first; one step without --to.",
    },
    status: {
      summary: "show what is applied",
      about: "Also whether the files are still what was applied.",
    },
    verify: {
      summary: "prove that each down takes back its up",
      about:
        "On a scratch database on the same server, which is dropped afterwards: up, down, up leaves the same catalogue, " +
        "for each migration and for all of them.",
    },
    new: {
      arguments: "NAME",
      summary: "write a pair of empty files",
      about: "NNNN_name.up.sql and NNNN_name.down.sql with the next number.",
    },
  },
  options: {
    to: {
      type: "string",
      value: "N",
      of: ["up", "down"],
      summary: "up: stop after version N; down: go back to it, which stays applied; 0 takes back all",
    },
    "accept-data-loss": { type: "boolean", of: ["down"], summary: "allow down files that drop tables or columns" },
    check: {
      type: "boolean",
      of: ["status"],
      summary: "exit with 1 when something is pending, half done, edited or missing",
    },
    "no-transaction": {
      type: "boolean",
      of: ["new"],
      summary: "for CONCURRENTLY and other statements that refuse to run in a transaction",
    },
    directory: {
      type: "string",
      value: "PATH",
      summary: "the folder with the migrations (default: migrations/ of this project)",
    },
    json: jsonOption,
    help: helpOption,
  },
  notes: databaseNote,
} as const satisfies CommandDeclaration;
