const commands = {
  up: `millrace migrate up [--to N]

Applies the migrations that are pending, in order. Safe to start in many places at once.

  --to N              stop after version N (default: the newest)`,

  down: `millrace migrate down [--to N] [--accept-data-loss]

Takes migrations back by their down files, newest first.

  --to N              go back to version N, which stays applied; 0 takes back all (default: one step)
  --accept-data-loss  allow down files that drop tables or columns`,

  status: `millrace migrate status [--check]

Shows each migration, whether it is applied, and whether its files are still what was applied.

  --check             exit with 1 when something is pending, half done, edited or missing`,

  verify: `millrace migrate verify

Proves on a scratch database on the same server that up, down, up leaves the same catalogue, for each
migration and for all of them. The scratch database is dropped afterwards.`,

  new: `millrace migrate new NAME [--no-transaction]

Writes NNNN_name.up.sql and NNNN_name.down.sql with the next number.

  --no-transaction    for CONCURRENTLY and other statements that refuse to run in a transaction`,
} as const;

export type MigrateCommand = keyof typeof commands;

export function isMigrateCommand(name: string | undefined): name is MigrateCommand {
  return name !== undefined && Object.hasOwn(commands, name);
}

const everywhere = `  --directory PATH    the folder with the migrations (default: migrations/ of this project)
  --help              show this text

DATABASE_URL says which database; without it, the one that \`npm start\` runs.`;

export function helpOf(command: MigrateCommand): string {
  return `Usage: ${commands[command]}${commands[command].includes("\n  --") ? "" : "\n"}\n${everywhere}`;
}

export const help = `Usage: millrace migrate COMMAND [OPTIONS]

  up        apply what is pending
  down      take back the newest, or go back to a version
  status    show what is applied
  verify    prove that each down takes back its up
  new NAME  write a pair of empty files

${everywhere}
\`millrace migrate COMMAND --help\` tells the options of a command.`;
