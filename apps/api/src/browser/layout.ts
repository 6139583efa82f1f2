import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { loadTheme, markStrokes, markUri } from "@millrace/console";
import type { FastifyInstance, FastifyReply } from "fastify";
import { Html, html } from "./html.ts";

const style = await Promise.all([loadTheme(), readFile(new URL("page.css", import.meta.url), "utf8")]);
const styleText = style.join("\n");
const stylePath = `/page.css?v=${hash("sha256", styleText).slice(0, 12)}`;

/** The style sheet of the small pages, under an address that changes with it. */
export function registerPageStyle(app: FastifyInstance): void {
  app.get("/page.css", { config: { scope: "public", page: true }, schema: { hide: true } }, (_request, reply) =>
    reply
      .type("text/css; charset=utf-8")
      .header("cache-control", "public, max-age=31536000, immutable")
      .send(styleText),
  );
}

export interface Page {
  readonly title: string;
  readonly head?: Html;
  readonly body: Html;
}

/** Answers with a small page: one column with the name above it. */
export function sendPage(reply: FastifyReply, { title, head, body }: Page): FastifyReply {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} · Millrace</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${markUri}">
<link rel="stylesheet" href="${stylePath}">
${head}
</head>
<body>
<main>
<p class="name">${mark}Millrace</p>
${body}
</main>
</body>
</html>
`;
  return reply.type("text/html; charset=utf-8").send(page.text);
}

const mark = html`<svg viewBox="0 0 24 24" width="24" height="24" stroke="currentColor" aria-hidden="true">${new Html(markStrokes)}</svg>`;
