import { expect, test } from "vitest";
import { parseDemoArguments } from "./arguments.ts";

test("without arguments the machine is measured for ten seconds", () => {
  expect(parseDemoArguments([])).toMatchObject({ seconds: 10, file: [], json: false });
});

test("several files may be given", () => {
  expect(parseDemoArguments(["--file", "a.log", "--file=b.log", "--json"])).toMatchObject({
    file: ["a.log", "b.log"],
    json: true,
  });
});

test.each([
  [["--seconds", "soon"], "--seconds: write a whole number"],
  [["--every", "1"], "--every: "],
  [["--url", "localhost:8080"], "--url: "],
  [["--fiel", "x"], "--fiel"],
  [["x.log"], "x.log"],
])("%j is refused with what is wrong", (args, message) => {
  expect(() => parseDemoArguments(args)).toThrow(message);
});
