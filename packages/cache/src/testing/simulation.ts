import type { Time } from "../time.ts";

/** Numbers from 0 up to 1 that follow from the seed (xorshift32; Marsaglia, 2003). */
export function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A process of the simulation: what it waits for happens while it runs, and not at all once it has crashed. */
export interface SimulatedProcess {
  pausedUntil: number;
  hasCrashed: boolean;
  readonly time: Time;
}

interface Step {
  at: number;
  readonly order: number;
  readonly owner: SimulatedProcess | undefined;
  readonly act: () => void;
}

/** Time that passes only from one thing that happens to the next, in an order that follows from `random`. */
export class Simulation {
  readonly random: () => number;
  #now = 0;
  #order = 0;
  readonly #steps: Step[] = [];

  constructor(random: () => number) {
    this.random = random;
  }

  get now(): number {
    return this.#now;
  }

  /** Has `act` happen in `inMs`; later if its owner stands still then. */
  after(inMs: number, act: () => void, owner?: SimulatedProcess): void {
    this.#order += 1;
    this.#steps.push({ at: this.#now + inMs, order: this.#order, owner, act });
  }

  /** Resolves in `inMs`. */
  wait(inMs: number, owner?: SimulatedProcess): Promise<void> {
    return new Promise((resolve) => this.after(inMs, resolve, owner));
  }

  /** Mostly short, at times long. */
  delay(): number {
    return this.random() < 0.05 ? this.random() * 400 : this.random() * 5;
  }

  /** Its clock runs up to a twentieth slower or faster than time does. */
  process(): SimulatedProcess {
    const rate = 0.95 + 0.1 * this.random();
    const offset = this.random() * 1e6;
    const now = (): number => offset + this.#now * rate;
    const process: SimulatedProcess = {
      pausedUntil: 0,
      hasCrashed: false,
      time: {
        now,
        wall: () => 1.7e12 + now(),
        sleep: (ms, signal) =>
          new Promise((resolve, reject) => {
            signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
            this.after(ms / rate, resolve, process);
          }),
      },
    };
    return process;
  }

  /** Lets everything happen until then. */
  async runUntil(end: number): Promise<void> {
    for (;;) {
      const step = this.#takeNext(end);
      if (step === undefined) break;
      this.#now = Math.max(this.#now, step.at);
      const { owner } = step;
      if (owner?.hasCrashed) continue;
      if (owner !== undefined && owner.pausedUntil > this.#now) {
        step.at = owner.pausedUntil;
        this.#steps.push(step);
        continue;
      }
      step.act();
      // What this set off runs to where it waits again.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = end;
  }

  #takeNext(end: number): Step | undefined {
    let best = -1;
    for (const [index, { at, order }] of this.#steps.entries()) {
      const least = this.#steps[best];
      if (at <= end && (least === undefined || at < least.at || (at === least.at && order < least.order))) best = index;
    }
    return best === -1 ? undefined : this.#steps.splice(best, 1)[0];
  }
}
