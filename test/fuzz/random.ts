import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Choices that a seed decides. */
export interface Random {
  /** 0 to `bound - 1` */
  below(bound: number): number;
  pick<const T>(choices: readonly [T, ...T[]]): T;
  bytes(length: number): Buffer;
}

export function randomOf(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  const below = (bound: number): number => uniformInt(generator, 0, bound - 1);
  return {
    below,
    pick: (choices) => choices[below(choices.length)] ?? choices[0],
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  };
}
