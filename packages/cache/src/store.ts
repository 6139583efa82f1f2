/** Names one entry: a namespace, and a key within it. */
export interface CacheKey {
  readonly namespace: string;
  readonly key: string;
}

/** All keys of a namespace that a glob of Redis (`*`, `?`, `[…]`, `\`) matches. */
export interface CachePattern {
  readonly namespace: string;
  readonly pattern: string;
}

export type LeaseAnswer =
  /** Somebody has filled it meanwhile. */
  | { readonly kind: "value"; readonly bytes: Buffer }
  /** The caller is the one to load the value; its token is good until the key is invalidated or the lease runs out. */
  | { readonly kind: "granted" }
  /** Somebody else is loading it. */
  | { readonly kind: "taken" };

/** What was made known to the members, in order of its number, which begins with 1 and leaves none out. */
export interface Notice {
  readonly number: number;
  readonly targets: readonly (CacheKey | CachePattern)[];
}

/** Those that serve from their own memory. */
export interface Members {
  /** Another one once the store has lost its members: who is missing may then be one that it lost. */
  readonly life: string;
  /** How far each has come, as `beat:number`: the beat grows with every renewal. */
  readonly states: ReadonlyMap<string, string>;
}

export interface Invalidation {
  readonly number: number;
  readonly members: Members;
}

/**
 * The tier that all processes share, and what keeps their own memories in step with it. Every call is one atomic
 * step. Rejects with a `CacheAwayError` when the store does not answer in time, or is known not to; a call that
 * was rejected may have happened all the same.
 */
export interface CacheStore {
  get(at: CacheKey): Promise<Buffer | undefined>;
  /** Takes the lease on loading this key, unless there is a value, or somebody has it. */
  lease(at: CacheKey, token: string): Promise<LeaseAnswer>;
  /** Takes the lease on loading anew a value that is there; false when somebody has it. */
  leaseAnew(at: CacheKey, token: string): Promise<boolean>;
  /** Stores what the holder of a lease has loaded. False when the lease is not good any more: the value may be old. */
  fill(at: CacheKey, token: string, bytes: Buffer, ttlMs: number): Promise<boolean>;
  /** Gives the lease back without a value. */
  release(at: CacheKey, token: string): Promise<void>;

  /** Forgets values and leases, and makes a notice of it for the members. */
  invalidate(keys: readonly CacheKey[]): Promise<Invalidation>;
  /** The same for whatever keys match; also gives how many values there were. */
  invalidateMatching(pattern: CachePattern): Promise<Invalidation & { readonly values: number }>;

  /** Makes a member; gives the number of the newest notice. */
  join(member: string): Promise<number>;
  /** Notes that the member has acted on all notices up to `number`; gives the newest one's, `undefined` if it is no member. */
  renew(member: string, beat: number, number: number): Promise<number | undefined>;
  leave(member: string): Promise<void>;
  members(): Promise<Members>;
  /** Makes the member none, if it is still in this state. */
  expel(member: string, state: string): Promise<void>;
  /** Notices after that number; waits up to `waitMs` for one. */
  follow(number: number, waitMs: number): Promise<readonly Notice[]>;
}

/** The shared tier does not answer. */
export class CacheAwayError extends Error {
  readonly code = "CACHE_AWAY";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CacheAwayError";
  }
}

export function isPattern(target: CacheKey | CachePattern): target is CachePattern {
  return "pattern" in target;
}
