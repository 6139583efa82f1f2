import helmet from "@fastify/helmet";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform } from "fastify-type-provider-zod";

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
      components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
      security: [{ key: [] }],
    },
    transform: jsonSchemaTransform,
  });
  app.get("/openapi.json", { config: { scope: "public" }, schema: { hide: true } }, () => app.swagger());

  await app.register(async (pages) => {
    await pages.register(helmet, {
      contentSecurityPolicy: {
        directives: { defaultSrc: ["'self'"], imgSrc: ["'self'", "data:"], styleSrc: ["'self'", "'unsafe-inline'"] },
      },
      // The API itself is served over plain HTTP on loopback; a proxy that adds TLS adds this too.
      strictTransportSecurity: false,
    });
    pages.addHook("onRoute", (route) => {
      route.config = { ...route.config, scope: "public" };
    });
    await pages.register(swaggerUi, {
      routePrefix: "/docs",
      uiConfig: { persistAuthorization: true, tryItOutEnabled: true },
    });
  });
}
