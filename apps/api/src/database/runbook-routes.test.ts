import Fastify from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { expect, test } from "vitest";
import { problemOf, sendProblem } from "../http/problem.ts";
import { registerRunbooks } from "./runbook-routes.ts";

function createApp() {
  const app = Fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => sendProblem(problemOf(error), request, reply));
  registerRunbooks(app);
  return app;
}

test("a runbook is served as it is, as plain text", async () => {
  const reply = await createApp().inject("/runbooks/queues.md");
  expect(reply.statusCode).toBe(200);
  expect(reply.headers["content-type"]).toBe("text/plain; charset=utf-8");
  expect(reply.body).toContain("\n## no_consumer\n");
});

test.each(["nothing.md", "..%2Fguarantees.md", "..%2F..%2Fpackage.json", "%2Fetc%2Fpasswd", "queues.md%00", ".", ""])(
  "nothing else is: %s",
  async (name) => {
    const reply = await createApp().inject(`/runbooks/${name}`);
    expect(reply.statusCode).toBe(404);
    expect(reply.body).not.toContain("root:");
  },
);
