import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { sessionCookie } from "@millrace/access";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform } from "fastify-type-provider-zod";
import { problemReply } from "./problem-reply.ts";

const keyProblems = {
  401: problemReply("There is no key, or it is not known, has expired or was revoked"),
  403: problemReply("The key lacks the scope"),
};

/** The replies of a route by status; Fastify's type for them says nothing. */
function schemaOf(response: unknown): object {
  return typeof response === "object" && response !== null ? response : {};
}

/** `/openapi.json`, and `/docs` to browse it. Both are public: they tell of the interface, never of data. */
export async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Millrace",
        version: "0.1.0",
        description:
          "Telemetry in through a job queue, partitioned rows out. Errors are problem documents (RFC 9457) whose `type` ends in a stable code.",
      },
      servers: [{ url: "/", description: "This server" }],
      tags: [
        { name: "events", description: "Events in and out, with CloudEvents attributes" },
        { name: "otlp", description: "OpenTelemetry's logs, traces and metrics (OTLP/HTTP)" },
        { name: "dead letters", description: "Events that PostgreSQL refused" },
        { name: "users", description: "Profiles by wallet address" },
        { name: "sessions", description: "Calls between two addresses" },
        { name: "reports", description: "What users report, for moderators" },
        { name: "blocks", description: "Who does not want to be called by whom" },
        { name: "balances", description: "What an address was seen to have" },
        { name: "sign-in", description: "Nonces, and signing in with Ethereum (EIP-4361)" },
        { name: "writes", description: "What became of writes that were queued" },
        { name: "fleet", description: "What the processes and queues do now" },
        { name: "database", description: "What operators look at and set right" },
        { name: "browser", description: "Signing in to the pages with a key" },
        { name: "health", description: "What a load balancer or an orchestrator asks" },
      ],
      components: {
        securitySchemes: {
          key: {
            type: "http",
            scheme: "bearer",
            description: "A key of `npm run keys -- create`; `millrace-dev` locally",
          },
          session: {
            type: "apiKey",
            in: "cookie",
            name: sessionCookie,
            description: "What a browser has after signing in with a key at `/sign-in`",
          },
        },
      },
      security: [{ key: [] }, { session: [] }],
    },
    transform: (document) => {
      const { scope } = document.route.config ?? {};
      const { schema } = document;
      // Pages that are hidden have no schema, and what is public has nothing to add.
      if (schema === undefined || scope === "public") {
        return jsonSchemaTransform(
          schema === undefined ? document : { ...document, schema: { security: [], ...schema } },
        );
      }
      return jsonSchemaTransform({
        ...document,
        schema: {
          ...schema,
          description: [schema.description, `Needs a key with the scope \`${scope}\`.`].filter(Boolean).join(" "),
          response: { ...schemaOf(schema.response), ...keyProblems },
        },
      });
    },
  });
  app.get("/openapi.json", { config: { scope: "public" }, schema: { hide: true } }, () => app.swagger());

  await app.register(async (pages) => {
    pages.addHook("onRoute", (route) => {
      // The page brings styles in its elements' attributes.
      route.config = { ...route.config, scope: "public", page: { styles: ["'unsafe-inline'"] } };
    });
    await pages.register(swaggerUi, {
      routePrefix: "/docs",
      // Without the last it has somebody else's server look at the document.
      uiConfig: { persistAuthorization: true, tryItOutEnabled: true, validatorUrl: null },
      theme: {
        title: "Millrace",
        css: [{ filename: "millrace.css", content: ".swagger-ui .topbar { display: none }" }],
      },
    });
  });
}
