import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Processes that can be killed and stopped. */
export const processNames = ["api", "worker-1", "worker-2", "postgres", "redis"] as const;
export type ProcessName = (typeof processNames)[number];

/** Ways between them that can be cut. */
export const linkNames = ["client-api", "api-postgres", "api-redis", "worker-postgres", "worker-redis"] as const;
export type LinkName = (typeof linkNames)[number];

/** `drop` ends all connections and refuses new ones, `stall` forwards nothing, `half` only what goes upstream, `tear` ends each in the middle of a message. */
export const cuts = ["drop", "stall", "half", "tear"] as const;
export type Cut = (typeof cuts)[number];

export type Fault = { readonly atMs: number; readonly forMs: number } & (
  | { readonly kind: "kill"; readonly target: ProcessName }
  | { readonly kind: "stop"; readonly target: ProcessName }
  | { readonly kind: Cut; readonly target: LinkName }
);

/**
 * What goes wrong when, all of it decided by the seed. Each kind of fault comes about as often as the
 * others; the first ones are one of each, so that a short run has them all.
 */
export function scheduleOf(seed: number, { seconds, everyMs }: { seconds: number; everyMs: number }): Fault[] {
  const generator = xoroshiro128plus(seed);
  const below = (bound: number): number => uniformInt(generator, 0, bound - 1);
  const oneOf = <T>(items: readonly T[]): T => {
    const item = items[below(items.length)];
    if (item === undefined) throw new Error("There is nothing to choose from");
    return item;
  };
  const kinds = ["kill", "stop", ...cuts] as const;
  const faults: Fault[] = [];
  for (let atMs = everyMs, count = 0; atMs < seconds * 1_000; count += 1) {
    const kind = kinds[count] ?? oneOf(kinds);
    const forMs = 200 + below(Math.min(6_000, everyMs * 2));
    faults.push(
      kind === "kill" || kind === "stop"
        ? { atMs, forMs, kind, target: oneOf(processNames) }
        : { atMs, forMs, kind, target: oneOf(linkNames) },
    );
    atMs += Math.round(everyMs * (0.5 + below(100) / 100));
  }
  return faults;
}
