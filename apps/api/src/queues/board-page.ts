import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { UIConfig } from "@bull-board/api/dist/types.js";
import { markUri } from "@millrace/console";
import { Html, html } from "../browser/html.ts";

/** Where bull-board's own files are. */
export const boardFolder = join(dirname(createRequire(import.meta.url).resolve("@bull-board/ui/package.json")), "dist");

/**
 * The page of bull-board's program. It is written here, since its own one fetches fonts from elsewhere and has styles
 * in it that the policy of pages refuses; only the names of the files are taken from there. Throws when that has none.
 */
export async function loadBoardPage(basePath: string, config: UIConfig): Promise<string> {
  const template = await readFile(join(boardFolder, "index.ejs"), "utf8");
  const scripts = found(template, /<script defer src="(static\/[^"]+)"/g);
  const styles = found(template, /<link href="(static\/[^"]+)" rel="stylesheet"/g);
  if (scripts.length === 0 || styles.length === 0) throw new Error("bull-board's page has changed: no files in it");
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Queues · Millrace</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<base href="${basePath}/">
<link rel="icon" type="image/svg+xml" id="fav-logo" href="${markUri}">
${[...styles, "theme.css"].map((path) => html`<link rel="stylesheet" href="${path}">`)}
</head>
<body>
<script id="__UI_CONFIG__" type="application/json">${new Html(JSON.stringify(config).replaceAll("<", "\\u003c"))}</script>
<div id="root"></div>
${scripts.map((path) => html`<script defer src="${path}"></script>`)}
</body>
</html>
`.text;
}

function found(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].flatMap(([, path]) => path ?? []);
}
