import { type CommandDeclaration, helpOption } from "../commands/declaration.ts";

export const completionCommand = {
  name: "completion",
  summary: "write a script for bash or zsh that completes these commands",
  about: `In bash:  source <(npx millrace completion bash)
In zsh:   source <(npx millrace completion zsh)`,
  subcommands: { bash: { summary: "for bash" }, zsh: { summary: "for zsh" } },
  options: { help: helpOption },
} as const satisfies CommandDeclaration;
