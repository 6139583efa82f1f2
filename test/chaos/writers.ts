import { setTimeout as sleep } from "node:timers/promises";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { z } from "zod";
import { type Answer, untilAccepted } from "./retrying.ts";

/** A write that was answered with 202, or with its row. */
export interface AcknowledgedWrite {
  readonly id: string;
  readonly address: string;
  /** What it set; grows with each write of an address. */
  readonly count: number;
}

export interface WriteLedger {
  /** Of each address in the order in which they were acknowledged, each before the next was sent. */
  readonly acknowledged: AcknowledgedWrite[];
  readonly violations: string[];
  retries: number;
}

export interface WriterOptions {
  readonly url: string;
  readonly key: string;
  readonly ledger: WriteLedger;
  readonly seed: number;
  /** The only one that writes to it. */
  readonly address: string;
  readonly pauseMs: number;
  /** No new writes after this; the one under way is tried until `giveUp`. */
  readonly stop: AbortSignal;
  readonly giveUp: AbortSignal;
}

const row = z.object({ display_name: z.string() });

/**
 * Saves one user again and again, each time with the next number as its name: with and without waiting for the row, some
 * a second time with the same Idempotency-Key. Now and then reads after an acknowledged row, which must not be older.
 */
export async function runWriter(options: WriterOptions): Promise<void> {
  const { address, ledger, seed, pauseMs, stop, giveUp } = options;
  const generator = xoroshiro128plus(seed);
  const below = (bound: number): number => uniformInt(generator, 0, bound - 1);
  for (let count = 1; !stop.aborted; count += 1) {
    const isWaiting = below(2) === 0;
    const answer = await save(options, count, isWaiting);
    if (answer === undefined) return;
    const id = idOf(answer);
    ledger.acknowledged.push({ id, address, count });
    if (answer.status === 200) {
      const { display_name } = row.parse(JSON.parse(answer.body));
      if (display_name !== String(count)) ledger.violations.push(`write ${count} was answered with ${display_name}`);
      await readAfter(options, count);
    }
    if (below(10) === 0) {
      const again = await save(options, count, false);
      if (again !== undefined && idOf(again) !== id)
        ledger.violations.push(`write ${id} became another at its second try`);
    }
    await sleep(below(2 * pauseMs), undefined, { signal: giveUp }).catch(() => {});
  }
}

async function save(options: WriterOptions, count: number, isWaiting: boolean): Promise<Answer | undefined> {
  const { url, key, address, ledger, giveUp } = options;
  const headers = {
    authorization: `Bearer ${key}`,
    "content-type": "application/json",
    "idempotency-key": `${address}-${count}`,
    ...(isWaiting && { prefer: "wait=2" }),
  };
  return await untilAccepted(
    `${url}/v1/users/${address}`,
    { method: "PUT", headers, body: JSON.stringify({ display_name: String(count) }) },
    {
      isAccepted: (status) => status === 202 || status === 200,
      giveUp,
      onRetry: () => {
        ledger.retries += 1;
      },
      onViolation: (text) => ledger.violations.push(text),
    },
  );
}

function idOf({ headers }: Answer): string {
  const place = headers.get("content-location") ?? headers.get("location") ?? "";
  return place.slice(place.lastIndexOf("/") + 1);
}

/** The row was acknowledged: nobody may be given an older one. A read that fails says nothing. */
async function readAfter({ url, key, address, ledger, giveUp }: WriterOptions, count: number): Promise<void> {
  const signal = AbortSignal.any([giveUp, AbortSignal.timeout(2_000)]);
  try {
    const reply = await fetch(`${url}/v1/users/${address}`, { headers: { authorization: `Bearer ${key}` }, signal });
    if (reply.status !== 200) return;
    const { display_name } = row.parse(await reply.json());
    if (Number(display_name) < count) ledger.violations.push(`read ${display_name} after ${count} was acknowledged`);
  } catch {
    // a network fault, or no answer in time
  }
}
