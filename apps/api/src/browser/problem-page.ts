import type { FastifyReply, FastifyRequest } from "fastify";
import type { HttpProblem } from "../http/problem.ts";
import { html } from "./html.ts";
import { sendPage } from "./layout.ts";
import { nextPathOf, signInPath } from "./next-path.ts";

/** Tells a problem to who opened a page: who is not signed in is sent there, the rest is a page. */
export function sendProblemPage(problem: HttpProblem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const here = nextPathOf(request.url);
  if (problem.status === 401) {
    return isFromElsewhere(request) ? sendOnwards(here, reply) : reply.redirect(signInPath(here), 303);
  }
  const title = problem.status === 403 ? "Not with this key" : problem.title;
  const body = html`<h1>${title}</h1>
<p class="lead">${problem.message}</p>
${problem.status === 403 ? html`<a class="button" href="${signInPath(here)}">Sign in with another key</a>` : retry(here)}
<p class="hint">${problem.status} <code>${problem.code}</code>, request <code>${request.id}</code></p>`;
  return sendPage(reply.code(problem.status).headers(problem.headers), { title, body });
}

function retry(path: string) {
  return html`<a class="button" href="${path}">Try again</a>`;
}

/**
 * Whether a link on another site led here. The browser then holds back its cookie (SameSite=Strict), so that it is not
 * known whether there is a session.
 */
function isFromElsewhere({ headers }: FastifyRequest): boolean {
  const site = headers["sec-fetch-site"];
  return (site === "cross-site" || site === "same-site") && headers.cookie === undefined;
}

/** A page that opens the same path again, now from here and therefore with the cookie. */
function sendOnwards(path: string, reply: FastifyReply): FastifyReply {
  return sendPage(reply.code(200), {
    title: "One moment",
    head: html`<meta http-equiv="refresh" content="0; url=${path}">`,
    body: html`<p><a href="${path}">Continue</a></p>`,
  });
}
