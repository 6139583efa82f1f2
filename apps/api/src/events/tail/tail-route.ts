import type { Authenticator } from "@millrace/access";
import type { TailFeed } from "@millrace/tail";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { problemReply } from "../../http/problem-reply.ts";
import { createStreamClients } from "../../http/stream-clients.ts";
import { filterParams } from "../read/query-schemas.ts";
import { sendEventStream } from "../read/raw-reply.ts";
import { commonProblems } from "../read/reply-schemas.ts";
import { followTail } from "./follow-tail.ts";
import type { TailLimits } from "./tail-client.ts";

export interface TailOptions {
  readonly feed: TailFeed;
  readonly authenticator: Authenticator;
  readonly limits: Partial<TailLimits> & { readonly maxClients: number; readonly maxEventsPerSecond: number };
  /** How often each client is looked after: its key, its heartbeat, what was dropped for it. */
  readonly everyMs?: number;
}

const maxDataLength = 2_048;

const query = z.strictObject({
  source: filterParams.source,
  type: filterParams.type,
  subject: filterParams.subject,
  data: filterParams.data
    .refine((data) => data === undefined || data.length <= maxDataLength, `must not be longer than ${maxDataLength}`)
    .describe(`Only events whose data contains this JSON, as in the list; at most ${maxDataLength} characters`)
    .meta({ example: '{"host":"a"}' }),
});

const replies = {
  200: {
    description: "Server-sent events, without end",
    content: {
      "text/event-stream": {
        schema: z.string().meta({
          example:
            'retry: 2000\n\nevent: status\ndata: {"live":true}\n\nid: 5f1c-a.0\ndata: {"specversion":"1.0","id":"a1","source":"/plants/4/press","type":"press.cycle","time":"2026-11-23T10:00:00.000000Z","receivedat":"2026-11-23T10:00:00.120000Z","data":{"milliseconds":412.5}}\n\nevent: dropped\ndata: {"count":12,"slow":0,"rate":12,"sampled":0}\n\n',
        }),
      },
    },
  },
  ...commonProblems,
  503: problemReply("Too many clients follow the tail of this process; Retry-After says when to try again"),
};

const description = `Shows events as they are committed to PostgreSQL, from about a second after the connection on. It is for watching, not for
transport: nothing is kept for a client, and an event that was sent to Millrace again may be shown again. \`GET /v1/events\` has them all.

- A message without a type has one event, as the list has it. With the \`id\` of the last one as \`Last-Event-ID\` a client goes on where it was, for half a minute at most.
- \`status\`: \`{"live": false}\` while committed events do not arrive, since Redis is away; \`{"live": true}\` when they do.
- \`dropped\`: how many events were not sent since the last such message: \`slow\`, the client did not take them in time; \`rate\`, there were too many for one client; \`sampled\`, there were too many for the workers to show, all of which \`source\`, \`type\` and \`subject\` let through, \`data\` perhaps not.
- \`gap\`: what came after \`Last-Event-ID\` is not known any more.
- \`end\`: why the server ends the stream: \`closing\`, connect again; \`key_invalid\`, the key has expired or was revoked.`;

/** Registers `GET /v1/events/tail`. Its streams end when the app closes. */
export function registerTail(app: FastifyInstance, { feed, authenticator, limits, everyMs }: TailOptions): void {
  const takeIn = createStreamClients(app, {
    authenticator,
    limits,
    what: "the tail",
    ...(everyMs !== undefined && { everyMs }),
  });
  app.withTypeProvider<ZodTypeProvider>().get(
    "/v1/events/tail",
    {
      config: { scope: "read", isStream: true },
      // HEAD would follow the tail to show nothing of it.
      exposeHeadRoute: false,
      schema: {
        tags: ["events"],
        summary: "Watch events as they are committed",
        description,
        produces: ["text/event-stream"],
        querystring: query,
        headers: z.object({
          "last-event-id": z.string().optional().describe("The id of the last event that was seen"),
        }),
        response: replies,
      },
    },
    async (request, reply) => {
      const client = takeIn(request);
      const following = followTail(feed, client, { ...request.query, after: request.headers["last-event-id"] });
      client.stream.once("close", () => following[Symbol.dispose]());
      return sendEventStream(reply, client.stream);
    },
  );
}
