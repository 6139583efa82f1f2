import { loadConsole } from "@millrace/console";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { HttpProblem } from "../http/problem.ts";

const base = "/console/assets";
const params = z.object({ version: z.string(), "*": z.string() });

/** `GET /console`: the page that an operator leaves open, and the files that it asks for. */
export function registerConsole(app: FastifyInstance): void {
  // Made when somebody asks for it, as most processes are never asked.
  let loading: ReturnType<typeof loadConsole> | undefined;
  const load = (): ReturnType<typeof loadConsole> => {
    loading ??= loadConsole({ base }).catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };

  app.get("/console", { config: { scope: "read" }, schema: { hide: true } }, async (_request, reply) => {
    const { html, scriptHashes } = await load();
    reply.header(
      "content-security-policy",
      `default-src 'none'; script-src 'self' ${scriptHashes.join(" ")}; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    );
    return reply.header("content-type", "text/html; charset=utf-8").send(html);
  });

  app.get(`${base}/:version/*`, { config: { scope: "read" }, schema: { hide: true } }, async (request, reply) => {
    const { version, "*": name } = params.parse(request.params);
    const loaded = await load();
    const file = version === loaded.version ? loaded.file(name) : undefined;
    if (file === undefined) {
      throw new HttpProblem({
        status: 404,
        code: "not_found",
        detail: "The console has no such file; a page from before a new version has to be loaded again",
      });
    }
    return reply
      .headers({
        "content-type": file.contentType,
        "content-encoding": "gzip",
        "cache-control": "private, max-age=31536000, immutable",
      })
      .send(file.gzipped);
  });
}
