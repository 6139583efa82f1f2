import type { CacheStore, Invalidation, Members } from "./store.ts";
import type { Time } from "./time.ts";

export interface SettlementOptions {
  readonly store: CacheStore;
  readonly leaseMs: number;
  readonly time: Time;
}

export interface Settlement {
  /**
   * Resolves to true when no member can serve what the invalidation took away, to false when the store has lost its
   * members meanwhile, so that it has to be made again. Rejects when neither can be found out.
   */
  settled(invalidation: Invalidation): Promise<boolean>;
}

interface Seen {
  readonly state: string;
  readonly since: number;
}

interface Waiting {
  readonly number: number;
  readonly life: string;
  readonly members: Set<string>;
  readonly done: PromiseWithResolvers<boolean>;
}

const longestPauseMs = 16;

/**
 * Waits for the members to act on an invalidation. One that has not renewed its lease for as long as a lease lasts,
 * by the clock of this process, cannot serve any more, and is expelled so that nobody waits for it again.
 * Those who wait at the same time share the asking.
 */
export function createSettlement({ store, leaseMs, time }: SettlementOptions): Settlement {
  const seen = new Map<string, Seen>();
  const waiting = new Set<Waiting>();
  let isAsking = false;

  function end(wait: Waiting, isSettled: boolean): void {
    waiting.delete(wait);
    wait.done.resolve(isSettled);
  }

  /** Takes in how far the members were at a time after these invalidations. */
  function note({ life, states }: Members, waits: Iterable<Waiting>): void {
    const at = time.now();
    for (const member of seen.keys()) if (!states.has(member)) seen.delete(member);
    for (const [member, state] of states) {
      if (seen.get(member)?.state !== state) seen.set(member, { state, since: at });
    }
    for (const wait of waits) {
      if (wait.life !== life) {
        end(wait, false);
        continue;
      }
      for (const member of wait.members) {
        const state = states.get(member);
        if (state === undefined || numberOf(state) >= wait.number) wait.members.delete(member);
      }
      if (wait.members.size === 0) end(wait, true);
    }
  }

  async function expelSilent(): Promise<void> {
    const awaited = new Set([...waiting].flatMap(({ members }) => [...members]));
    const silent = [...seen].filter(([member, { since }]) => awaited.has(member) && time.now() - since >= leaseMs);
    await Promise.all(silent.map(([member, { state }]) => store.expel(member, state)));
  }

  async function ask(): Promise<void> {
    isAsking = true;
    for (let pauseMs = 1; waiting.size > 0; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        await time.sleep(pauseMs);
        await expelSilent();
        // An answer says nothing of invalidations that were made after it was asked for.
        const waits = [...waiting];
        note(await store.members(), waits);
      } catch (error) {
        for (const { done } of waiting) done.reject(error);
        waiting.clear();
      }
    }
    isAsking = false;
  }

  return {
    settled({ number, members }) {
      const { life, states } = members;
      const wait: Waiting = { number, life, members: new Set(states.keys()), done: Promise.withResolvers() };
      waiting.add(wait);
      note(members, [wait]);
      if (waiting.size > 0 && !isAsking) void ask();
      return wait.done.promise;
    },
  };
}

function numberOf(state: string): number {
  return Number(state.slice(state.indexOf(":") + 1));
}
