import { textOfWrite, type WriteInput, type WriteKind } from "@millrace/domain";
import { type Queues, type Sending, sendings } from "@millrace/jobs";
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { expectedVersionIn } from "../caching/representation.ts";
import type { Idempotency } from "../events/idempotency.ts";
import { randomUUIDv7 } from "../events/uuid-v7.ts";
import { checked, jsonBodyOf, unchecked } from "../http/json-body.ts";
import { unavailable } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";
import { type IntakeEvent, intakeEvents } from "../intake-events.ts";
import type { Finished, Outcomes } from "./outcomes.ts";
import { waitIn } from "./prefer.ts";
import { problemOfOutcome } from "./problems.ts";
import { representationOf } from "./representations.ts";

export interface WriterNeeds {
  readonly queues: Pick<Queues, "lists" | "notes" | "enqueue">;
  readonly idempotency: Idempotency;
  readonly outcomes: Outcomes;
  /** The longest that a request may wait for its write. */
  readonly maxWaitMs: number;
}

/** What a request to write says, checked, with what the server adds: the same for every try with one Idempotency-Key. */
export interface WriteRequest<Params, Body> {
  readonly params: Params;
  readonly body: Body;
  readonly newId: () => string;
  /** When the request came (RFC 3339). */
  readonly at: string;
  readonly atMs: number;
}

export interface WriteRoute<Kind extends WriteKind, Params extends z.ZodType, Body extends z.ZodType> {
  readonly method: "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly kind: Kind;
  readonly scope?: "write" | "admin";
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params: Params;
  readonly body: Body;
  /** The reply's row, for the documentation. */
  readonly row: z.ZodType;
  /** Where a new row is found; without it the write changes one that is there. */
  readonly locationOf?: (row: Readonly<Record<string, unknown>>) => string;
  readonly payloadOf: (request: WriteRequest<z.output<Params>, z.output<Body>>) => WriteInput<Kind>;
}

interface QueuedWrite {
  readonly id: string;
  readonly keyId: string;
  readonly entity: string;
  readonly text: string;
}

export interface Writer {
  /** Adds the route of a kind of write: it is checked and queued, and waited for where the client asks for that. */
  route<Kind extends WriteKind, Params extends z.ZodType, Body extends z.ZodType>(
    route: WriteRoute<Kind, Params, Body>,
  ): void;
}

const maxBodyBytes = 64 * 1_024;
/** How long one can ask for a write that is still in the queue. */
const noteSeconds = 7 * 86_400;

const queued = z.object({ id: z.uuid(), status: z.literal("queued") });

export function createWriter(app: FastifyInstance, needs: WriterNeeds): Writer {
  const { queues, idempotency, outcomes, maxWaitMs } = needs;

  /** Resolves when Redis has it; a try that failed half-way may leave a write that is applied with the entity's next. */
  async function queue({ id, keyId, entity, text }: QueuedWrite, log: FastifyBaseLogger): Promise<void> {
    try {
      await Promise.all([queues.notes.keepOnce(noteOf(id), keyId, noteSeconds), queues.lists.append(entity, text)]);
      // Only now: whoever takes the job must find the write.
      const job = await queues.enqueue("applyWrites", { entity });
      log.debug({ job, write: id, entity }, "a write is queued");
    } catch (error) {
      await queues.lists.remove(entity, [text]).catch(() => {}); // the client is told to send it again
      throw unavailable("queue_unavailable", "The queue is not available; send the write again", error);
    }
    const event: IntakeEvent = { kind: "write" };
    intakeEvents.publish(event);
  }

  async function attemptOf(request: FastifyRequest): Promise<{ receivedAt: number; newId: () => string }> {
    const key = request.headers["idempotency-key"];
    if (key === undefined) return { receivedAt: Date.now(), newId: () => randomUUIDv7() };
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    return await idempotency({
      key: String(key),
      owner: request.principal?.keyId ?? "",
      content: [`${request.method} ${request.url} ${request.headers["if-match"] ?? ""}`, body],
    });
  }

  function sendQueued(reply: FastifyReply, id: string): FastifyReply {
    return reply.code(202).header("location", `/v1/writes/${id}`).send({ id, status: "queued" });
  }

  function sendFinished(
    reply: FastifyReply,
    {
      id,
      kind,
      locationOf,
    }: { id: string; kind: WriteKind; locationOf: WriteRoute<never, never, never>["locationOf"] },
    finished: Finished,
  ): FastifyReply {
    const { outcome, row } = finished;
    if (outcome !== "done" || row === null) throw problemOfOutcome(id, kind, finished);
    const { etag, body } = representationOf(kind, row);
    reply
      .code(locationOf === undefined ? 200 : 201)
      .headers({ "content-location": `/v1/writes/${id}`, "content-type": "application/json; charset=utf-8" });
    if (etag !== undefined) reply.header("etag", etag);
    if (locationOf !== undefined) reply.header("location", locationOf(row));
    return reply.send(body);
  }

  return {
    route(route) {
      const { method, url, kind, scope = "write", tag, summary, params, body, row, locationOf, payloadOf } = route;
      const created = locationOf === undefined ? 200 : 201;
      app.route({
        method,
        url,
        config: { scope, isQueuedWrite: true },
        bodyLimit: maxBodyBytes,
        ...unchecked,
        serializerCompiler: () => (data) => JSON.stringify(data),
        schema: {
          tags: [tag],
          summary,
          description: [
            route.description,
            "Answers 202 once the queue has the write; `Location` tells what becomes of it.",
            "With `Prefer: wait=N` the reply waits up to N seconds until it is done and carries the row.",
          ]
            .filter(Boolean)
            .join(" "),
          params,
          ...(method === "DELETE" ? {} : { body }),
          headers: z.object({
            prefer: z.string().optional().meta({ example: "wait=5" }),
            "idempotency-key": z
              .string()
              .optional()
              .describe("Requests with the same key within a day have the effect of one"),
            "if-match": z.string().optional().describe("The ETag that was read: 412 if it has changed since"),
          }),
          response: {
            [created]: row,
            202: queued,
            400: problemReply("The request is wrong; detail says how"),
            404: problemReply("What is to be changed is not there (only with Prefer: wait)"),
            409: problemReply("It is not in a state that allows this (only with Prefer: wait)"),
            412: problemReply("It has changed since it was read (only with Prefer: wait)"),
            422: problemReply("The Idempotency-Key was used for something else, or PostgreSQL refuses the values"),
            503: problemReply("The queue is not available or overloaded; Retry-After says when to try again"),
          },
        },
        handler: async (request, reply) => {
          const expected = expectedVersionIn(request.headers["if-match"]);
          const said = {
            params: checked(request.params, params),
            body: method === "DELETE" ? body.parse({}) : jsonBodyOf(request.body, body),
          };
          const { receivedAt, newId } = await attemptOf(request);
          const id = newId();
          const at = new Date(receivedAt).toISOString();
          const payload = payloadOf({ ...said, newId, at, atMs: receivedAt });
          const waitMs = Math.min((waitIn(request.headers["prefer"]) ?? 0) * 1_000, maxWaitMs);
          const keyId = request.principal?.keyId ?? "";
          const sending: Sending = { queue: "writes", count: 1 };
          const send = async (): Promise<void> => {
            const { entity, text } = textOfWrite({
              id,
              kind,
              payload,
              acceptedAt: receivedAt,
              ...(expected !== undefined && { expected }),
              ...(waitMs > 0 && { replyTo: outcomes.mailbox }),
              keyId,
              request: request.id,
              trace: sending.trace,
            });
            await queue({ id, keyId, entity, text }, request.log);
          };
          if (waitMs === 0) {
            await sendings.tracePromise(send, sending);
            return sendQueued(reply, id);
          }
          const finishing = outcomes.wait(id, waitMs);
          await sendings.tracePromise(send, sending);
          reply.header("preference-applied", `wait=${waitMs / 1_000}`);
          const finished = await finishing;
          return finished === undefined
            ? sendQueued(reply, id)
            : sendFinished(reply, { id, kind, locationOf }, finished);
        },
      });
    },
  };
}

/** The name of what is noted beside a write that is queued: the key that made it. */
export function noteOf(id: string): string {
  return `write:${id}`;
}
