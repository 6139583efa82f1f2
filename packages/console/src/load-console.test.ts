import { hash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";
import { type Console, loadConsole } from "./load-console.ts";

let loaded: Console;
beforeAll(async () => {
  loaded = await loadConsole({ base: "/console/assets" });
});

const textOf = (name: string): string => gunzipSync(loaded.file(name)?.gzipped ?? Buffer.alloc(0)).toString();

test("the page asks for nothing but its own files, and all of these are there", () => {
  const asked = [...loaded.html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, address = ""]) => address);
  const own = asked.filter((address) => address !== "data:,");
  expect(own.length).toBeGreaterThan(20);
  for (const address of own) {
    expect(address).toMatch(new RegExp(`^/console/assets/${loaded.version}/`));
    expect(loaded.file(address.split("/").slice(4).join("/")), address).toBeDefined();
  }
});

test("its modules are JavaScript whose imports are there, or in the import map", async () => {
  const { imports } = JSON.parse(/<script type="importmap">(.*?)<\/script>/.exec(loaded.html)?.[1] ?? "{}") as {
    imports: Readonly<Record<string, string>>; // what the page was made with
  };
  const names = [...loaded.html.matchAll(/modulepreload" href="[^"]*\/assets\/[^/]+\/([^"]+)"/g)].map(
    ([, name = ""]) => name,
  );
  for (const name of names.filter((one) => one.endsWith(".ts"))) {
    const text = textOf(name);
    for (const [, specifier = ""] of text.matchAll(/^\s*(?:import|export)[^"']*? from "([^"]+)"/gm)) {
      if (specifier.startsWith(".")) {
        const target = new URL(specifier, `http://x/${name}`).pathname.slice(1);
        expect(loaded.file(target), `${name} imports ${specifier}`).toBeDefined();
      } else expect(imports[specifier], `${name} imports ${specifier}`).toBeDefined();
    }
  }
});

test("the content security policy's hash is that of the one script in the page", () => {
  const [, inline = "", ...others] = /<script type="importmap">(.*?)<\/script>/.exec(loaded.html) ?? [];
  expect(others).toEqual([]);
  expect(loaded.html.match(/<script/g)).toHaveLength(2);
  expect(loaded.scriptHashes).toEqual([`'sha256-${hash("sha256", inline, "base64")}'`]);
  expect(loaded.html).not.toMatch(/ style=| on\w+=/);
});

test("all of it weighs less than 64 KiB on the wire", () => {
  const names = [...loaded.html.matchAll(/\/assets\/[^/]+\/([^"]+)"/g)].map(([, name = ""]) => name);
  const bytes = [...new Set(names)].reduce((sum, name) => sum + (loaded.file(name)?.gzipped.length ?? 0), 0);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(64 * 1_024);
});
