import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Cut } from "./schedule.ts";

/** A way through TCP that can be cut. */
export interface Link extends AsyncDisposable {
  readonly port: number;
  /** Cuts the way until `mend`. */
  cut(how: Cut): void;
  mend(): void;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

export async function startProxy(targetPort: number): Promise<Link> {
  const pairs = new Set<Pair>();
  let how: Cut | undefined;

  const server: Server = createServer({ allowHalfOpen: false }, (near) => {
    if (how === "drop" || how === "tear") {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host: "127.0.0.1", port: targetPort });
    const pair = { near, far };
    pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true);
      from.on("data", (chunk) => {
        if (how === "tear") {
          // Half of the message arrives, and then the end.
          to.write(chunk.subarray(0, chunk.length >> 1), () => endPair(pair));
          return;
        }
        if (!to.write(chunk)) from.pause();
      });
      to.on("drain", () => {
        if (!isHeld(from === near)) from.resume();
      });
      from.on("error", () => endPair(pair));
      from.on("close", () => endPair(pair));
    }
    hold(pair);
  });

  /** What comes from this side is not taken: it piles up in the kernel, as on a way that lost its packets. */
  function isHeld(isNear: boolean): boolean {
    return how === "stall" || (how === "half" && !isNear);
  }

  function hold({ near, far }: Pair): void {
    if (isHeld(true)) near.pause();
    if (isHeld(false)) far.pause();
  }

  function endPair(pair: Pair): void {
    if (!pairs.delete(pair)) return;
    pair.near.resetAndDestroy();
    pair.far.resetAndDestroy();
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cut(next) {
      how = next;
      for (const pair of pairs) {
        if (next === "drop") endPair(pair);
        else hold(pair);
      }
    },
    mend() {
      how = undefined;
      for (const { near, far } of pairs) {
        near.resume();
        far.resume();
      }
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const pair of pairs) endPair(pair);
      await once(server, "close");
    },
  };
}
