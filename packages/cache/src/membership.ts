import type { CacheStore, Notice } from "./store.ts";
import type { Time } from "./time.ts";

export interface MembershipOptions {
  readonly store: CacheStore;
  /** Unique among all processes that there ever were. */
  readonly member: string;
  /** How long a member may serve from memory after it was last heard of, and a writer waits for one that is silent. */
  readonly leaseMs: number;
  readonly time: Time;
  /** Forgets what the notices name. */
  readonly onNotice: (targets: Notice["targets"]) => void;
  /** Forgets everything: notices may have been missed. */
  readonly onGap: () => void;
  /** Told of a fault once, and again only after it has worked in between. */
  readonly onError: (error: unknown) => void;
}

export interface Membership extends AsyncDisposable {
  /**
   * True while every writer waits for this process before it calls a write done: what is in memory is not older
   * than any such write.
   */
  isFresh(nowMs: number): boolean;
}

/** A share of the lease that is not used, for clocks that run at different speeds. */
const usedShare = 0.9;

/**
 * Keeps this process a member: follows the notices, and renews its lease by telling how far it has come. A process
 * that was not heard of in time, whether it was cut off or stood still, finds its lease run out by its own clock
 * before writers stop waiting for it (Gray and Cheriton, "Leases", SOSP 1989). A clock that does not count while
 * the machine is suspended is caught by the other one.
 */
export function startMembership(options: MembershipOptions): Membership {
  const { store, member, leaseMs, time, onNotice, onGap, onError } = options;
  const stop = new AbortController();
  let freshUntil = Number.NEGATIVE_INFINITY;
  let freshUntilWall = Number.NEGATIVE_INFINITY;
  let isMember = false;
  let applied = 0;
  let newest = 0;
  let beat = 0;
  let isFaulty = false;

  async function join(): Promise<void> {
    applied = await store.join(member);
    newest = applied;
    // What was loaded before may be older than a write that did not wait for us.
    onGap();
    isMember = true;
  }

  function apply(notices: readonly Notice[]): void {
    for (const { number, targets } of notices) {
      if (number <= applied) continue;
      if (number !== applied + 1) onGap();
      onNotice(targets);
      applied = number;
    }
    if (notices.length === 0 && newest > applied) {
      // They were there when we last renewed, and are not any more.
      onGap();
      applied = newest;
    }
  }

  async function renew(): Promise<void> {
    const sentAt = time.now();
    const sentAtWall = time.wall();
    beat += 1;
    const answer = await store.renew(member, beat, applied);
    isMember = answer !== undefined;
    if (answer === undefined) return;
    newest = answer;
    freshUntil = sentAt + leaseMs * usedShare;
    freshUntilWall = sentAtWall + leaseMs * usedShare;
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        if (!isMember) await join();
        else apply(await store.follow(applied, Math.ceil(leaseMs / 4)));
        if (!stop.signal.aborted) await renew();
        isFaulty = false;
      } catch (error) {
        if (!isFaulty) onError(error);
        isFaulty = true;
        await time.sleep(leaseMs / 8, stop.signal).catch(() => {}); // rejects only when stopped
      }
    }
  }

  const stopped = run();
  return {
    isFresh: (nowMs) => nowMs < freshUntil && time.wall() < freshUntilWall,
    async [Symbol.asyncDispose]() {
      stop.abort();
      freshUntil = Number.NEGATIVE_INFINITY;
      await stopped;
      await store.leave(member).catch(() => {}); // writers then wait until the lease has run out
    },
  };
}
