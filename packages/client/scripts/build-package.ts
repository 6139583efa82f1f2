import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";

// Writes the package as npm takes it, JavaScript with types for Node 20 and newer, into the folder given to it.
// Then: npm publish FOLDER --access public
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("Usage: npm run build -w @millrace/client -- FOLDER");
const out = resolve(folder);
const here = join(import.meta.dirname, "..");
const root = join(here, "../..");

const tsc = join(root, "node_modules/.bin/tsc");
execFileSync(tsc, ["-p", join(here, "tsconfig.build.json"), "--outDir", out], { stdio: "inherit" });
copyFileSync(join(here, "README.md"), join(out, "README.md"));
copyFileSync(join(root, "LICENSE"), join(out, "LICENSE"));

const manifest: Record<string, unknown> = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const { private: _, scripts: _scripts, ...published } = manifest;
const exports = { ".": { types: "./index.d.ts", default: "./index.js" } };
writeFileSync(join(out, "package.json"), `${JSON.stringify({ ...published, sideEffects: false, exports }, null, 2)}\n`);
