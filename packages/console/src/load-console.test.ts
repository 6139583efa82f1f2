import { gunzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";
import { type Console, loadConsole } from "./load-console.ts";

let loaded: Console;
beforeAll(async () => {
  loaded = await loadConsole({ base: "/console/assets" });
});

/** What the page asks for, by the names of its files. */
function namesAsked(): string[] {
  const asked = [...loaded.html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, address = ""]) => address);
  const own = asked.filter((address) => !address.startsWith("data:"));
  return own.map((address) => {
    expect(address).toMatch(new RegExp(`^/console/assets/${loaded.version}/`));
    return address.split("/").slice(4).join("/");
  });
}

test("the page asks for nothing but its own files, and all of these are there", () => {
  const names = namesAsked();
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => loaded.file(name) === undefined)).toEqual([]);
});

test("its modules import what is there, by relative names alone", () => {
  const imports = namesAsked()
    .filter((name) => !name.endsWith(".css"))
    .flatMap((name) => {
      const text = gunzipSync(loaded.file(name)?.gzipped ?? "").toString();
      const found = [...text.matchAll(/\b(?:import|export)\b[^"'();]*?\bfrom\s*"([^"]+)"/g)];
      return found.map(([, specifier = ""]) => ({ name, specifier }));
    });
  expect(imports.length).toBeGreaterThan(50);
  const missing = imports.filter(({ name, specifier }) => {
    const target = new URL(specifier, `http://console/${name}`).pathname.slice(1);
    return !specifier.startsWith(".") || loaded.file(target) === undefined;
  });
  expect(missing).toEqual([]);
});

test("a strict content security policy forbids nothing in the page", () => {
  expect(loaded.html).not.toMatch(/<style| style=| on\w+=|<script(?![^>]* src=)/);
});

test("all of it weighs less than 64 KiB on the wire", () => {
  const bytes = [...new Set(namesAsked())].reduce((sum, name) => sum + (loaded.file(name)?.gzipped.length ?? 0), 0);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(64 * 1_024);
});
