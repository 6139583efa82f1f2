import { type CommandDeclaration, helpOption } from "../commands/declaration.ts";

/** It is configured by its environment, which its own help describes. */
export const startCommand = {
  name: "start",
  summary: "PostgreSQL, Redis, the API and a worker on this machine",
  about: "Starts PostgreSQL and Redis (unless given), migrates, and runs the API and a worker until Ctrl-C.",
  subcommands: {},
  options: { help: helpOption },
} as const satisfies CommandDeclaration;
