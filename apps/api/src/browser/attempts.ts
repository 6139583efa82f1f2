export interface AttemptLimits {
  readonly perAddress: number;
  readonly inAll: number;
  readonly windowMs: number;
}

/** Counts failed attempts in windows of time. */
export interface Attempts {
  /**
   * Takes an attempt of the address up; `undefined` when it may go on, else the seconds until it may. It is taken
   * before it is known how the attempt ends, so that many at once are not more than one after the other.
   */
  take(address: string): number | undefined;
  /** Gives an attempt back that did not fail. */
  giveBack(address: string): void;
}

const defaults: AttemptLimits = { perAddress: 10, inAll: 300, windowMs: 60_000 };

export function createAttempts(limits: Partial<AttemptLimits> = {}, now = () => performance.now()): Attempts {
  const { perAddress, inAll, windowMs } = { ...defaults, ...limits };
  const byNetwork = new Map<string, number>();
  let total = 0;
  let endsAt = Number.NEGATIVE_INFINITY;

  const count = (address: string, change: number): void => {
    const network = networkOf(address);
    total = Math.max(0, total + change);
    byNetwork.set(network, Math.max(0, (byNetwork.get(network) ?? 0) + change));
  };

  return {
    take(address) {
      if (now() >= endsAt) {
        byNetwork.clear();
        total = 0;
        endsAt = now() + windowMs;
      }
      const isOver = total >= inAll || (byNetwork.get(networkOf(address)) ?? 0) >= perAddress;
      if (isOver) return Math.max(1, Math.ceil((endsAt - now()) / 1_000));
      count(address, 1);
      return undefined;
    },
    giveBack: (address) => count(address, -1),
  };
}

/** One host may have all addresses of an IPv6 network of 64 bits. */
export function networkOf(address: string): string {
  if (!address.includes(":") || /^::ffff:\d+\./i.test(address)) return address;
  const [head = [], tail = []] = address.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill("0");
  const all = [...head, ...zeros, ...tail];
  return all.slice(0, 4).join(":");
}
