import fc from "fast-check";
import { expect, test } from "vitest";
import { commands, overview } from "./all.ts";
import { type CommandDeclaration, helpOption, jsonOption, type OptionDeclaration } from "./declaration.ts";
import { helpOf, subcommandHelpOf } from "./help.ts";
import { isHelp, readCommandLine } from "./read-command-line.ts";
import { UsageError } from "./usage-error.ts";

const fleet = {
  name: "fleet",
  summary: "what processes there are",
  about: "The processes.",
  subcommands: {
    list: { summary: "all there are" },
    stop: { arguments: "NAME …", summary: "have some end" },
  },
  options: {
    reason: { type: "string", value: "TEXT", of: ["stop"], summary: "why" },
    wait: { type: "boolean", default: true, isNegative: true, of: ["stop"], summary: "do not wait" },
    app: { type: "string", multiple: true, value: "APP", summary: "only those" },
    json: jsonOption,
    help: helpOption,
  },
} as const satisfies CommandDeclaration;

test("options may stand anywhere, and what was given is typed as it was declared", () => {
  const args = ["--app", "api", "stop", "one", "--no-wait", "--app=worker", "two", "--reason", "list"];
  expect(readCommandLine(fleet, args)).toMatchObject({
    subcommand: "stop",
    positionals: ["one", "two"],
    values: { app: ["api", "worker"], wait: false, reason: "list", json: false },
  });
});

test.each([
  [["lst"], 'There is no command "lst". Did you mean "list"?'],
  [["frobnicate"], 'There is no command "frobnicate".'],
  [["list", "--jsno"], 'There is no option --jsno. Did you mean "--json"?'],
  [["list", "--frobnicate"], "There is no option --frobnicate."],
  [["list", "--reason", "x"], "--reason does not belong here."],
  [["list", "extra"], '"extra" does not belong here.'],
  [["stop", "--reason"], "Option '--reason <value>' argument missing"],
  [["list", "--json=yes"], "'--json' does not take an argument"],
])("%j is refused with what is wrong, and with the help of what was meant", (args, message) => {
  const read = () => readCommandLine(fleet, args);
  expect(read).toThrow(UsageError);
  expect(read).toThrow(message);
  expect(read).toThrow("Usage: millrace fleet");
});

test("help is asked for before anything is wrong; without a subcommand it is all there is to say", () => {
  expect(readCommandLine(fleet, ["stop", "--frobnicate", "--help"])).toEqual({
    help: subcommandHelpOf(fleet, "stop"),
    exitCode: 0,
  });
  expect(readCommandLine(fleet, ["-h"])).toEqual({ help: helpOf(fleet), exitCode: 0 });
  expect(readCommandLine(fleet, [])).toEqual({ help: helpOf(fleet), exitCode: 2 });
  expect(subcommandHelpOf(fleet, "stop")).toBe(`Usage: millrace fleet stop NAME … [OPTIONS]

Have some end.

  --reason TEXT  why
  --no-wait      do not wait
  --app APP      only those
  --json         write JSON instead of text
  --help         show this text`);
});

test("every option of every command is taken by the subcommands that it is of, as the help writes it", () => {
  for (const { declaration } of commands) {
    const subcommands = Object.keys(declaration.subcommands);
    for (const [name, { of, type, isNegative }] of Object.entries<OptionDeclaration>(declaration.options)) {
      if (name === "help") continue;
      for (const subcommand of subcommands.length === 0 ? [[]] : (of ?? subcommands).map((one) => [one])) {
        const written = `--${isNegative === true ? "no-" : ""}${name}`;
        const read = readCommandLine(declaration, [...subcommand, written, ...(type === "string" ? ["x"] : [])]);
        expect(isHelp(read), `${declaration.name} ${subcommand} ${written}`).toBe(false);
        const given = type === "string" ? "x" : isNegative !== true;
        if (!isHelp(read)) expect([read.values[name]].flat()).toEqual([given]);
      }
    }
  }
});

test("whatever is typed, it is read, refused or helped with", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "list",
      "stop",
      "--json",
      "--no-wait",
      "--app",
      "--help",
      "--reason=x",
      "-h",
      "--",
      "-x",
      "--no-json",
    ),
    fc.string({ maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (args) => {
      try {
        const read = readCommandLine(fleet, args);
        if (!isHelp(read)) expect(["list", "stop"]).toContain(read.subcommand);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
      }
    }),
  );
});

test("every command has its line, and all that it says fits", () => {
  for (const { declaration } of commands) {
    expect(overview()).toContain(`  ${declaration.name} `);
    const texts = [
      helpOf(declaration),
      ...Object.keys(declaration.subcommands).map((sub) => subcommandHelpOf(declaration, sub)),
    ];
    for (const text of texts) {
      for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(120);
    }
    for (const { of = [] } of Object.values(declaration.options)) {
      for (const name of of) expect(Object.keys(declaration.subcommands)).toContain(name);
    }
  }
});

test("each command that prints data can print JSON", () => {
  const without = commands.filter(({ declaration }) => !("json" in declaration.options));
  expect(without.map(({ declaration }) => declaration.name)).toEqual(["start", "completion"]);
});
