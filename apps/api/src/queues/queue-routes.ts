import type { AppControllerRoute } from "@bull-board/api/dist/types.js";
import fastifyStatic from "@fastify/static";
import type { Queues } from "@millrace/jobs";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { PagePolicy } from "../browser/page-headers.ts";
import { parseJson } from "../events/parse-json.ts";
import { HttpProblem, unavailable } from "../http/problem.ts";
import { type Board, createBoard } from "./board.ts";
import { boardFolder, loadBoardPage } from "./board-page.ts";
import { loadBoardTheme } from "./board-theme.ts";
import { isShortened } from "./job-preview.ts";

/** Where the dashboard is. */
const basePath = "/queues";
const page: PagePolicy = {
  // Its program finds its files by `<base>`.
  base: "'self'",
  // Its editor of payloads makes them as it runs.
  styles: ["'unsafe-inline'"],
};
/** A page of jobs is read whole, payloads and all. */
const maxJobsPerPage = 20;

/** bull-board at `/queues`: a key for `read` looks, one for `admin` acts. */
export async function registerQueues(app: FastifyInstance, { queues }: { queues: Queues }): Promise<void> {
  const board = createBoard(queues);
  const [text, theme] = await Promise.all([loadBoardPage(basePath, board.config), loadBoardTheme()]);
  await app.register(
    async (routes) => {
      routes.removeAllContentTypeParsers();
      routes.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, bodyOf(body)));
      routes.addHook("onRoute", (route) => {
        const isReading = [route.method].flat().every((method) => method === "GET" || method === "HEAD");
        route.config = { ...route.config, scope: isReading ? "read" : "admin", page };
        route.schema = { ...route.schema, hide: true };
      });
      await routes.register(fastifyStatic, { root: `${boardFolder}/static`, prefix: "/static/", maxAge: "1h" });
      routes.get("/theme.css", (_request, reply) => reply.type("text/css; charset=utf-8").send(theme));
      for (const url of board.pages) {
        routes.get(url, (_request, reply) => reply.type("text/html; charset=utf-8").send(text));
      }
      for (const route of board.routes) registerBoardRoute(routes, route, { board, queues });
    },
    { prefix: basePath },
  );
}

function registerBoardRoute(
  app: FastifyInstance,
  { method, route, handler }: AppControllerRoute,
  { board, queues }: { board: Board; queues: Queues },
): void {
  const methods = [method].flat().map((name) => name.toUpperCase());
  for (const url of [route].flat()) {
    app.route({
      method: methods,
      url,
      handler: async (request, reply) => {
        try {
          if (writesPayload(url)) await refuseShortened(request, board);
          const mayAct = request.principal?.scopes.has("admin") === true;
          const { status = 200, body } = await handler({
            queues: await board.queues({ mayAct }),
            uiConfig: board.config,
            params: paramsOf(request),
            query: queryOf(request),
            body: Object(request.body),
            headers: {},
          });
          return await reply.code(status).send(body);
        } catch (error) {
          throw await problemOfQueue(error, queues);
        }
      },
    });
  }
}

function writesPayload(url: string): boolean {
  return url.endsWith("/add") || url.endsWith("/update-data");
}

/** Throws when somebody would write back what was only the beginning of a payload. */
async function refuseShortened(request: FastifyRequest, board: Board): Promise<void> {
  const queue = await board.find(paramsOf(request)["queueName"] ?? "");
  if (queue === undefined || !isShortened(queue.name)) return;
  throw new HttpProblem({
    status: 403,
    code: "payload_shortened",
    detail: `Only the beginning of the payloads of ${queue.title} is shown, so none can be written here; send events to /v1/events`,
  });
}

function paramsOf(request: FastifyRequest): Record<string, string> {
  return request.params as Record<string, string>; // which is what the router makes of a path
}

function queryOf(request: FastifyRequest): Record<string, unknown> {
  const query = request.query as Record<string, unknown>; // texts, and lists of them
  const asked = Number(query["jobsPerPage"]);
  return asked > maxJobsPerPage ? { ...query, jobsPerPage: String(maxJobsPerPage) } : query;
}

function bodyOf(body: string | Buffer): unknown {
  const text = String(body);
  if (text === "") return {};
  try {
    return parseJson(text);
  } catch {
    throw new HttpProblem({ status: 400, code: "invalid_json", detail: "The body is not JSON" });
  }
}

/** Redis is away, or it refuses what was asked of it: a job that is locked, or gone. */
async function problemOfQueue(error: unknown, queues: Queues): Promise<unknown> {
  if (error instanceof HttpProblem) return error;
  const isAway = await queues.ping().then(
    () => false,
    () => true,
  );
  if (isAway) return unavailable("queue_unavailable", "The queue's Redis does not answer; try again", error);
  const detail = error instanceof Error ? error.message : String(error);
  return new HttpProblem({ status: 409, code: "queue_refused", detail, cause: error });
}
