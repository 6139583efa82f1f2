import { readdir, readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { HttpProblem } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";

const folder = new URL("../../../../docs/runbooks/", import.meta.url);

/** What to do, beside what it is about: the texts of docs/runbooks as they are. */
export function registerRunbooks(app: FastifyInstance): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/runbooks/:name",
    {
      config: { scope: "read" },
      schema: {
        tags: ["alerts"],
        summary: "A runbook, in Markdown",
        params: z.object({ name: z.string().max(100) }),
        response: { 200: z.string(), 404: problemReply("There is no such runbook") },
      },
    },
    async (request, reply) => {
      const names = (await readdir(folder)).filter((name) => name.endsWith(".md"));
      const { name } = request.params;
      // Only what is in the list is read, so that no name leads anywhere else.
      if (!names.includes(name)) {
        const detail = `There is no runbook ${name}; there are ${names.toSorted().join(", ")}`;
        throw new HttpProblem({ status: 404, code: "runbook_not_found", detail });
      }
      reply.header("content-type", "text/plain; charset=utf-8").header("x-content-type-options", "nosniff");
      return await readFile(new URL(name, folder), "utf8");
    },
  );
}
