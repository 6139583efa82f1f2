const commands = {
  create: `millrace keys create --name NAME --scope SCOPE [--scope SCOPE …] [--expires WHEN]
         [--events-per-second N] [--events-per-day N]

Makes a key and shows it once; only its SHA-256 is stored.

  --name NAME     what the key is for, for people to read
  --scope SCOPE   ingest, write, read or admin, which includes all; give it once for each
  --expires WHEN  12h, 90d or 4w from now, or a date such as 2031-01-31 (default: never)
  --events-per-second N, --events-per-day N
                  what it may send before 429, instead of the limits of all keys`,

  list: `millrace keys list

Shows all keys, oldest first, with those that expired or were revoked.
`,

  revoke: `millrace keys revoke ID|PREFIX

Ends a key for good. Each process refuses it ten seconds later at the latest.
`,
} as const;

export type KeysCommandName = keyof typeof commands;

export function isKeysCommand(name: string | undefined): name is KeysCommandName {
  return name !== undefined && Object.hasOwn(commands, name);
}

const everywhere = `  --json          write one JSON document instead of text
  --help          show this text

DATABASE_URL says which database; without it, the one that \`npm start\` runs.`;

export function helpOf(command: KeysCommandName): string {
  return `Usage: ${commands[command]}\n${everywhere}`;
}

export const help = `Usage: millrace keys COMMAND [OPTIONS]

  create    make a key
  list      show the keys
  revoke    end a key

${everywhere}
\`millrace keys COMMAND --help\` tells the options of a command.`;
