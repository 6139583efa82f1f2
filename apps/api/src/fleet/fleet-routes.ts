import type { Authenticator } from "@millrace/access";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { sendEventStream } from "../events/read/raw-reply.ts";
import { unavailable } from "../http/problem.ts";
import { problemReply } from "../http/problem-reply.ts";
import { createStreamClients } from "../http/stream-clients.ts";
import { collectLive, type LiveNeeds } from "./collect-live.ts";
import { detailsOf, fleet as fleetReply } from "./fleet-details.ts";
import { createLiveFeed } from "./live-feed.ts";
import { live } from "./live-schema.ts";

export interface FleetRoutesNeeds extends LiveNeeds {
  readonly authenticator: Authenticator;
  /** How often those who follow are told. Default: 2 s. */
  readonly everyMs?: number;
}

/** So many consoles may be left open; each is sent a few kilobytes every two seconds. */
const limits = { maxClients: 100, maxEventsPerSecond: 100 };

const liveReplies = {
  200: {
    description: "What the whole fleet does now",
    content: {
      "application/json": { schema: live },
      "text/event-stream": {
        schema: z.string().meta({ example: 'retry: 2000\n\ndata: {"at":"2026-11-27T09:30:00.000Z",…}\n\n' }),
      },
    },
  },
  503: problemReply("Too many clients follow the live figures of this process; Retry-After says when to try again"),
};

/** What the fleet does now: once, or as a stream that goes on until the client leaves or the app closes. */
export function registerFleet(
  app: FastifyInstance,
  { authenticator, everyMs = 2_000, ...needs }: FleetRoutesNeeds,
): void {
  const feed = createLiveFeed(() => collectLive(needs), everyMs);
  const takeIn = createStreamClients(app, { authenticator, limits, what: "the live figures" });
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    "/live",
    {
      config: { scope: "read", isStream: true },
      exposeHeadRoute: false,
      schema: {
        tags: ["fleet"],
        summary: "What all processes, queues and servers do now",
        description:
          "As JSON, or with `Accept: text/event-stream` as server-sent events: a message without a type at once and then " +
          "every two seconds, each the whole of it. `end` says why the server ends the stream: `closing`, connect again; " +
          "`key_invalid`, the key has expired or was revoked.",
        produces: ["application/json", "text/event-stream"],
        response: liveReplies,
      },
    },
    async (request, reply) => {
      reply.header("vary", "accept");
      if (!wantsStream(request)) return await feed.now();
      const client = takeIn(request);
      const following = feed.follow((text) => client.send(() => `data: ${text}\n\n`));
      client.stream.once("close", () => following[Symbol.dispose]());
      return sendEventStream(reply, client.stream);
    },
  );

  routes.get(
    "/fleet",
    {
      config: { scope: "read" },
      schema: {
        tags: ["fleet"],
        summary: "The processes and the queues, in detail",
        response: { 200: fleetReply, 503: problemReply("The queue's Redis does not answer") },
      },
    },
    async () => {
      try {
        const [members, states] = await Promise.all([needs.fleet.members(), needs.queues.states()]);
        return detailsOf(members, states);
      } catch (error) {
        throw unavailable("queue_unavailable", "The queue's Redis does not tell of the others; try again", error);
      }
    },
  );
}

function wantsStream({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes("text/event-stream") === true;
}
