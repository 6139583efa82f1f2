import { channel } from "node:diagnostics_channel";
import type { Cache } from "@millrace/cache";
import type { Db } from "@millrace/db";
import { writeIn, writeStatements } from "@millrace/domain";
import { type JobHandler, type JobRun, type Processing, processings, type Queues } from "@millrace/jobs";
import { onBehalfOf } from "@millrace/runtime";
import { mostNamed, originOfBatch } from "../batch-origin.ts";
import { type BatcherOptions, createBatcher } from "../batcher.ts";
import { type Applied, applyBatch, type ReadyWrite, type WritesOfEntity } from "./apply-batch.ts";

/** What is published on `millrace:writes` after each batch. */
export interface WritesEvent {
  readonly applied: readonly Applied[];
  /** When each was accepted, in ms since 1970. */
  readonly acceptedAt: readonly number[];
}

export const writesEvents = channel("millrace:writes");

export interface ApplyWritesNeeds {
  readonly db: Db;
  readonly queues: Pick<Queues, "lists" | "mail">;
  readonly cache: Pick<Cache, "invalidate">;
  readonly batch: Pick<BatcherOptions<unknown>, "maxRows" | "maxWaitMs" | "maxParallel">;
  /** Keeps a text in the list of an entity that is no write, before it is taken out. */
  readonly keepUnreadable: (text: string, message: string) => Promise<void>;
}

interface WritesJob {
  readonly entity: string;
  readonly run: JobRun;
}

type WaitingEntity = WritesOfEntity & { readonly texts: readonly string[] };

/** Of one entity in one batch; the jobs of the later ones find them. */
const maxWritesOfEntity = 100;

/**
 * Applies what waits for the entities of many jobs in one transaction. The order is COMMIT, invalidate, settle, tell
 * whoever waits, forget: a crash anywhere in between has it done again, which changes nothing but invalidates again.
 */
export function createApplyWrites(needs: ApplyWritesNeeds): { handler: JobHandler<"applyWrites"> } & AsyncDisposable {
  const { db, queues, cache, batch } = needs;

  async function apply(jobs: readonly WritesJob[]): Promise<void> {
    const entities = [...new Set(jobs.map(({ entity }) => entity))];
    const lists = await queues.lists.first(entities, maxWritesOfEntity);
    const waiting: WaitingEntity[] = [];
    for (const [entity, texts] of lists) {
      if (texts.length > 0) waiting.push({ entity, texts, writes: await readable(texts) });
    }
    if (waiting.length === 0) return;
    await onBehalfOf(originOf(jobs, waiting), async () => {
      const applied = await processings.tracePromise(() => applyBatch(db, waiting), processingOf(jobs, waiting));
      await finish(waiting, applied);
    });
  }

  async function finish(waiting: readonly WaitingEntity[], applied: readonly Applied[]): Promise<void> {
    await settle(applied.filter(({ is_settled }) => !is_settled));
    await tell(
      waiting.flatMap(({ writes }) => writes),
      applied,
    );
    await Promise.all(waiting.map(({ entity, texts }) => queues.lists.remove(entity, texts)));
    const event: WritesEvent = {
      applied,
      acceptedAt: waiting.flatMap(({ writes }) => writes.map((write) => write.acceptedAt)),
    };
    writesEvents.publish(event);
  }

  /** Until this is done the writes count as queued, also for whoever looks into the database. */
  async function settle(applied: readonly Applied[]): Promise<void> {
    if (applied.length === 0) return;
    const touched = new Map(applied.flatMap((one) => one.touched).map((key) => [`${key.namespace}:${key.key}`, key]));
    await cache.invalidate([...touched.values()]);
    await db.run(writeStatements.settle, [applied.map(({ id }) => id)]);
  }

  async function readable(texts: readonly string[]): Promise<ReadyWrite[]> {
    const writes: ReadyWrite[] = [];
    for (const text of texts) {
      try {
        writes.push(writeIn(text));
      } catch (error) {
        await needs.keepUnreadable(text, error instanceof Error ? error.message : String(error));
      }
    }
    return writes;
  }

  /** A letter that is lost costs whoever waits a question to the database. */
  async function tell(writes: readonly ReadyWrite[], applied: readonly Applied[]): Promise<void> {
    const results = new Map(applied.map((one) => [one.id, one]));
    const waited = Map.groupBy(
      writes.filter(({ replyTo }) => replyTo !== undefined),
      ({ replyTo }) => replyTo ?? "",
    );
    await Promise.all(
      [...waited].map(async ([mailbox, some]) => {
        const letters = some.map(({ id }) => {
          const { outcome, row, detail } = results.get(id) ?? {};
          return { id, outcome, row, detail };
        });
        await queues.mail(mailbox, JSON.stringify(letters)).catch(() => {});
      }),
    );
  }

  const batcher = createBatcher<WritesJob>({
    ...batch,
    maxLength: Number.POSITIVE_INFINITY,
    store: apply,
    sizeOf: () => ({ rows: 1, length: 0 }),
  });
  return {
    handler: ({ entity }, run) => batcher.push({ entity, run }),
    [Symbol.asyncDispose]: () => batcher[Symbol.asyncDispose](),
  };
}

function originOf(jobs: readonly WritesJob[], waiting: readonly WaitingEntity[]) {
  const writes = waiting.flatMap((entity) => entity.writes);
  const requests = writes.flatMap(({ request }) => request ?? []);
  return originOfBatch(
    jobs.map(({ run }) => run),
    requests,
    { writes: writes.map(({ id }) => id).slice(0, mostNamed) },
  );
}

function processingOf(jobs: readonly WritesJob[], waiting: readonly WaitingEntity[]): Processing {
  return {
    queue: "writes",
    name: "writes.apply",
    jobs: jobs.map(({ run }) => run.id),
    traces: waiting.flatMap(({ writes }) => writes.flatMap(({ trace }) => trace ?? [])),
  };
}
