import { randomUUID } from "node:crypto";
import { startLoop } from "@millrace/runtime";
import { globMatcher, matcherOf } from "./forms.ts";
import { startMembership } from "./membership.ts";
import { type CacheNamespace, createNamespace, type NamespaceDefinition, type NamespaceParts } from "./namespace.ts";
import { createSettlement } from "./settlement.ts";
import { type CacheStats, hitRateOf } from "./stats.ts";
import { type CacheKey, type CacheStore, type Invalidation, isPattern } from "./store.ts";
import { systemTime, type Time } from "./time.ts";
import type { TtlDecision } from "./ttl-controller.ts";

export interface CacheOptions {
  readonly store: CacheStore;
  /** Whether values are also kept in this process's memory, for which writers then wait. Default: true. */
  readonly hasMemory?: boolean;
  /** How long a process may serve from memory without being heard of; a write waits that long for one that died. */
  readonly leaseMs?: number;
  readonly onError: (error: Error) => void;
  readonly time?: Time;
  readonly random?: () => number;
}

export interface NamespaceReport extends Omit<CacheStats, "redisHit" | "loaded"> {
  readonly name: string;
  readonly hitRate: number | undefined;
  readonly ttlMs: number;
  readonly memoryBytes: number;
  readonly memoryEntries: number;
  readonly decisions: readonly TtlDecision[];
}

export interface Cache extends AsyncDisposable {
  /** The namespace of a definition; of one name there is one definition. */
  namespace<Value>(definition: NamespaceDefinition<Value>): CacheNamespace<Value>;
  /**
   * Resolves when no process serves what these keys held before. Rejects when that is not certain: calling it
   * again is safe, and needed.
   */
  invalidate(keys: readonly CacheKey[]): Promise<void>;
  /** The same for keys of a declared form; gives how many values Redis had, or `undefined` for a pattern of no form. */
  clear(namespace: string, pattern: string): Promise<number | undefined>;
  names(): readonly string[];
  formsOf(namespace: string): readonly string[];
  /** Moves the TTLs that have bounds, as happens by itself every minute. */
  tune(): void;
  /** What happened in this process. */
  report(): readonly NamespaceReport[];
  /** True while this process may serve from its memory. */
  readonly isFresh: boolean;
}

const tuneEveryMs = 60_000;

/** A cache of several processes over one store: see docs/decisions/0006-cache-with-leases.md for how it keeps its promise. */
export function createCache(options: CacheOptions): Cache {
  const { store, hasMemory = true, leaseMs = 1_000, onError, time = systemTime, random = Math.random } = options;
  const member = randomUUID();
  const namespaces = new Map<string, NamespaceParts<unknown>>();
  const settlement = createSettlement({ store, leaseMs, time });
  let tokens = 0;
  const report = (error: unknown): void => onError(error instanceof Error ? error : new Error(String(error)));

  const membership = hasMemory
    ? startMembership({
        store,
        member,
        leaseMs,
        time,
        onNotice(targets) {
          for (const target of targets) {
            const parts = namespaces.get(target.namespace);
            if (isPattern(target)) parts?.forgetMatching(globMatcher(target.pattern).isMatch);
            else parts?.forget(target.key);
          }
        },
        onGap() {
          for (const parts of namespaces.values()) parts.forgetMatching(() => true);
        },
        onError: report,
      })
    : undefined;
  const isFresh = membership === undefined ? () => false : membership.isFresh;
  const tune = (): void => {
    for (const parts of namespaces.values()) parts.tuneTtl();
  };
  const tuning = startLoop({
    everyMs: tuneEveryMs,
    tick: async () => tune(),
    onError: report,
  });

  async function untilSettled(invalidate: () => Promise<Invalidation>): Promise<void> {
    while (!(await settlement.settled(await invalidate())));
  }

  return {
    namespace<Value>(definition: NamespaceDefinition<Value>) {
      const existing = namespaces.get(definition.name);
      if (existing !== undefined) {
        if (existing.definition !== definition) throw new Error(`Two cache namespaces are named ${definition.name}`);
        // The same definition, hence the same type of values.
        return existing as unknown as CacheNamespace<Value>;
      }
      const token = (): string => {
        tokens += 1;
        return `${member}:${tokens}`;
      };
      const parts = createNamespace(definition, { store, isFresh, time, random, token });
      namespaces.set(definition.name, parts as unknown as NamespaceParts<unknown>); // given out again by its definition only
      return parts;
    },

    async invalidate(keys) {
      if (keys.length > 0) await untilSettled(() => store.invalidate(keys));
    },

    async clear(namespace, pattern) {
      const parts = namespaces.get(namespace);
      const matcher = parts && matcherOf(pattern, parts.definition.forms);
      if (matcher === undefined) return undefined;
      let values = 0;
      await untilSettled(async () => {
        const invalidation = await store.invalidateMatching({ namespace, pattern: matcher.glob });
        values += invalidation.values;
        return invalidation;
      });
      return values;
    },

    names: () => [...namespaces.keys()],
    formsOf: (namespace) => namespaces.get(namespace)?.definition.forms ?? [],

    tune,

    report: () =>
      [...namespaces.values()].map(({ definition, stats, state }) => {
        const { redisHit: _redisHit, loaded: _loaded, ...counts } = stats;
        return { name: definition.name, hitRate: hitRateOf(stats), ...counts, ...state() };
      }),

    get isFresh() {
      return isFresh(time.now());
    },

    async [Symbol.asyncDispose]() {
      await tuning[Symbol.asyncDispose]();
      await membership?.[Symbol.asyncDispose]();
    },
  };
}
