import { createMonthlyPartition, type Db, statement } from "@millrace/db";
import { copyRowOf, eventColumns, monthOf, type TelemetryEvent } from "@millrace/events";
import Fastify, { type FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { problemOf, sendProblem } from "../../http/problem.ts";
import { registerReading } from "../reading.ts";

/** A server that does nothing but read events, to everybody. */
export function createReadApi(
  db: Db,
  register: typeof registerReading = registerReading,
): FastifyInstance & AsyncDisposable {
  const app = Fastify({ routerOptions: { maxParamLength: 3 * 1_024 }, forceCloseConnections: true });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => sendProblem(problemOf(error), request, reply));
  register(app, { readsOf: () => db });
  return app;
}

const copyEvents = statement<[], never>(
  "test.copy_events",
  `COPY telemetry_events (${eventColumns.join(", ")}) FROM STDIN`,
);

/** Stores the events and makes the partitions that they need. */
export async function storeEvents(db: Db, events: readonly TelemetryEvent[]): Promise<void> {
  for (const month of new Set(events.map(({ time }) => monthOf(time)))) {
    await createMonthlyPartition(db, "telemetry_events", month);
  }
  await db.copyIn(copyEvents, events.map((event) => copyRowOf(event, "2026-11-23T12:00:00.5Z")).join(""));
}

/** An event of no interest but for what is given. */
export function testEvent(event: Partial<TelemetryEvent>): TelemetryEvent {
  return { id: "1", source: "/test", type: "test", time: "2026-11-23T10:00:00Z", ...event };
}
