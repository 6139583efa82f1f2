import { type Console, loadConsole } from "@millrace/console";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { HttpProblem } from "../http/problem.ts";

const base = "/console/assets";
const params = z.object({ version: z.string(), "*": z.string() });
const schema = { hide: true };

/** `GET /console`: the page that an operator leaves open, and the files that it asks for. */
export function registerConsole(app: FastifyInstance): void {
  let loading: Promise<Console> | undefined;
  /** Made when somebody asks for it, as most processes are never asked. */
  async function load(): Promise<Console> {
    loading ??= loadConsole({ base });
    try {
      return await loading;
    } catch (error) {
      loading = undefined;
      throw error;
    }
  }

  app.get("/console", { config: { scope: "read", page: true }, schema }, async (_request, reply) => {
    const { html } = await load();
    return reply.header("content-type", "text/html; charset=utf-8").send(html);
  });

  app.get(`${base}/:version/*`, { config: { scope: "read" }, schema }, async (request, reply) => {
    const { version, "*": name } = params.parse(request.params);
    const loaded = await load();
    const file = version === loaded.version ? loaded.file(name) : undefined;
    if (file === undefined) {
      throw new HttpProblem({
        status: 404,
        code: "not_found",
        detail: "The console has no such file; a page from before an update has to be loaded again",
      });
    }
    return reply
      .headers({
        "content-type": file.contentType,
        "content-encoding": "gzip",
        "cache-control": "private, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
      })
      .send(file.gzipped);
  });
}
