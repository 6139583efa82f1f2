import { type CommandDeclaration, helpOption, jsonOption } from "../commands/declaration.ts";

export const backupCommand = {
  name: "backup",
  summary: "create, list, verify, restore, drill; wal",
  about: "Backups of the whole server at DATABASE_URL, made with its own tools, which must be of its major version.",
  subcommands: {
    create: { summary: "a base backup, with what is in each table" },
    list: { summary: "what there is" },
    wal: { summary: "receive the log until Ctrl-C, so that any moment since can be restored to" },
    verify: { arguments: "ID", summary: "every file against its checksum, and the log for gaps" },
    restore: {
      arguments: "ID --into FOLDER",
      summary: "a data folder whose server recovers to where the tables were looked at when it starts",
    },
    drill: {
      arguments: "[ID]",
      summary: "restore to a server for the moment, and compare it with what was there (default: the newest)",
    },
  },
  options: {
    into: { type: "string", value: "FOLDER", of: ["restore"], summary: "an empty folder, made if need be" },
    "to-time": {
      type: "string",
      value: "TIME",
      of: ["restore"],
      summary: "recover to then, RFC 3339; needs the log of `backup wal`",
    },
    "to-end": { type: "boolean", default: false, of: ["restore"], summary: "recover all of the log that was received" },
    json: jsonOption,
    help: helpOption,
  },
  notes: `The environment's DATABASE_URL, else the PostgreSQL of \`npm start\`; BACKUP_DIR, where backups are kept; PG_BIN, the
folder of the tools when they are not on PATH. The role must be a superuser.
Exit codes: 0 done and sound, 1 not, 2 the command line makes no sense, 130 interrupted.`,
} as const satisfies CommandDeclaration;
