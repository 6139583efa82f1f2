import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { IngestBuffer } from "../events/ingest-buffer.ts";
import type { IngestLimits } from "../events/ingest-route.ts";
import { requestHeaders } from "../events/ingest-schemas.ts";
import { bytesOf, textOf } from "../http/body.ts";
import { HttpProblem, problemOf } from "../http/problem.ts";
import { tellOfEvents } from "../intake-events.ts";
import { json, jsonNodeOf, protobuf } from "./encoding.ts";
import { contentTypeOf, contentTypes, errorStatus, exportResponse } from "./reply.ts";
import { type ExportRows, rowsOfExport } from "./rows-of-export.ts";
import { type Signal, signals } from "./signals.ts";

/**
 * OTLP/HTTP 1.x (https://opentelemetry.io/docs/specs/otlp/#otlphttp) in both encodings: logs, spans and
 * metric data points become events, as docs/otlp.md has it. Answers come in the request's content type,
 * errors as `google.rpc.Status`; clients retry 429 and 503, and none of the others that are sent.
 */
export async function registerOtlp(
  app: FastifyInstance,
  { buffer, limits }: { buffer: IngestBuffer; limits: IngestLimits },
): Promise<void> {
  await app.register(async (routes) => {
    routes.addContentTypeParser(contentTypes.protobuf, { parseAs: "buffer" }, (_request, body, done) =>
      done(null, body),
    );
    routes.setErrorHandler((error, request, reply) => {
      const problem = problemOf(error);
      if (problem.status >= 500) {
        request.log[problem.status === 500 ? "error" : "warn"](
          { err: problem.cause ?? error, code: problem.code },
          "request failed",
        );
      }
      const type = contentTypeOf(request.headers["content-type"]);
      return reply
        .code(problem.status)
        .headers(problem.headers)
        .header("content-type", type)
        .send(errorStatus(problem.status, problem.message, type));
    });
    for (const signal of signals) {
      routes.post(
        signal.path,
        {
          config: { scope: "ingest", isUntraced: true },
          bodyLimit: limits.maxBodyBytes,
          schema: {
            tags: ["otlp"],
            summary: `Send OpenTelemetry ${signal.noun}`,
            description:
              "OTLP/HTTP 1.x as JSON or protobuf, which may be gzip, deflate or zstd encoded. Each record becomes an " +
              `event; those that cannot be stored are counted in \`partialSuccess.${signal.rejected}\`. Errors are ` +
              "`google.rpc.Status` in the request's content type.",
            consumes: Object.values(contentTypes),
            headers: requestHeaders.pick({ "content-encoding": true }),
            body: z.looseObject({}).describe(`OTLP's export request for ${signal.noun}`),
          },
          // For the documentation: records are checked one by one.
          validatorCompiler: () => (data) => ({ value: data }),
        },
        async (request, reply) => {
          const receivedAt = Date.now();
          const type = contentTypeOf(request.headers["content-type"]);
          const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
          const encoding = request.headers["content-encoding"];
          const { maxBodyBytes } = limits;
          const options = { receivedAt, limits };
          const result =
            type === contentTypes.protobuf
              ? rowsOfExport(signal, protobuf, await bytesOf(body, encoding, maxBodyBytes), options)
              : rowsOfExport(signal, json, jsonNodeOf(await textOf(body, encoding, maxBodyBytes)), options);
          if (result.rows.length === 0 && result.rejectedCount > 0) {
            tellOfEvents(0, result.rejected);
            throw noneAccepted(signal, result);
          }
          const jobs = await buffer.push(result.rows, { receivedAt, requestId: request.id });
          request.log.debug({ jobs, events: result.rows.length }, "events are queued");
          tellOfEvents(result.rows.length, result.rejected);
          request.acceptedEvents = result.rows.length;
          return reply.header("content-type", type).send(exportResponse(signal, result, type));
        },
      );
    }
  });
}

function noneAccepted(signal: Signal, { rejectedCount, reasons }: ExportRows): HttpProblem {
  return new HttpProblem({
    status: 400,
    code: "no_event_accepted",
    detail: `None of the ${rejectedCount} ${signal.noun} can be stored: ${reasons.join("; ")}`,
  });
}
