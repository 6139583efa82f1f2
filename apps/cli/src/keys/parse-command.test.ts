import { expect, test } from "vitest";
import { UsageError } from "../commands/usage-error.ts";
import { parseCommand } from "./parse-command.ts";

const nowMs = Date.parse("2030-03-01T12:00:00Z");

test("create takes a name, scopes and an expiry", () => {
  const args = ["--name", " collector ", "--scope", "ingest", "--scope", "read", "--expires", "1d", "--json"];
  expect(parseCommand("create", args, nowMs)).toEqual({
    name: "create",
    key: { name: "collector", scopes: ["ingest", "read"], expiresAt: new Date("2030-03-02T12:00:00Z") },
    json: true,
  });
  expect(parseCommand("create", ["--name", "x", "--scope", "admin"], nowMs)).toEqual({
    name: "create",
    key: { name: "x", scopes: ["admin"], expiresAt: undefined },
    json: false,
  });
});

test("create takes limits of the key's own", () => {
  const limits = ["--events-per-second", "50", "--events-per-day", "100000"];
  expect(parseCommand("create", ["--name", "x", "--scope", "ingest", ...limits], nowMs)).toMatchObject({
    key: { eventsPerSecond: 50, eventsPerDay: 100_000 },
  });
});

test("list and revoke are read", () => {
  expect(parseCommand("list", ["--json"], nowMs)).toEqual({ name: "list", json: true });
  expect(parseCommand("revoke", ["mlr_abc"], nowMs)).toEqual({ name: "revoke", idOrPrefix: "mlr_abc", json: false });
});

test.each(["create", "list", "revoke"] as const)("%s --help asks for help, whatever else is missing", (command) => {
  expect(parseCommand(command, ["--help"], nowMs)).toEqual({ name: "help" });
});

const named = ["--name", "x", "--scope", "read"];

test.each([
  ["create", ["--scope", "read"], "--name is missing"],
  ["create", ["--name", " ", "--scope", "read"], "--name is missing"],
  ["create", ["--name", "a\nb", "--scope", "read"], "--name: write one line"],
  ["create", ["--name", "x"], "--scope is missing"],
  ["create", ["--name", "x", "--scope", "all"], "--scope all: give ingest, write, read or admin"],
  ["create", [...named, "--expires", "soon"], "--expires soon: write 12h, 90d or 4w"],
  ["create", [...named, "--expires", "2029-01-01"], "not in the future"],
  ["create", [...named, "--events-per-day", "0"], "--events-per-day 0: give a whole number above 0"],
  ["create", [...named, "--events-per-second", "many"], "--events-per-second many: give a whole number above 0"],
  ["create", [...named, "extra"], "extra"],
  ["create", [...named, "--colour"], "--colour"],
  ["list", ["extra"], '"extra" does not belong here'],
  ["revoke", [""], "Name the key by its id or prefix"],
  ["revoke", [], "Name the key by its id or prefix"],
  ["revoke", ["a", "b"], "Name one key at a time"],
] as const)("%s %j is refused with what is wrong", (command, args, message) => {
  const parse = () => parseCommand(command, [...args], nowMs);
  expect(parse).toThrow(UsageError);
  expect(parse).toThrow(message);
});
