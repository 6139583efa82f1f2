import { type CommandDeclaration, helpOption, jsonOption } from "../commands/declaration.ts";

export const doctorCommand = {
  name: "doctor",
  summary: "look whether everything is as it should be, and say what to mend",
  about: "Looks at configuration, servers, permissions, schema, disks and processes. Changes nothing.",
  subcommands: {},
  options: {
    json: jsonOption,
    quiet: { type: "boolean", default: false, summary: "leave out what is well" },
    help: helpOption,
  },
  notes: `It looks at what the apps would use: the environment, else the servers of a running \`npm start\`.
Exit codes: 0 nothing failed, 1 something did, 2 the command line makes no sense.`,
} as const satisfies CommandDeclaration;
