import { globMatcher } from "../forms.ts";
import type { CacheKey, CacheStore, Invalidation, Members, Notice } from "../store.ts";

export interface ModelStore extends CacheStore {
  /** Loses what a server under memory pressure, or one that is emptied, loses. */
  evict(what: "values" | "leases" | "members" | "notices" | "all"): void;
}

/** What the scripts of Redis do, in a few lines, with a clock of the test's own. Each call happens at once. */
export function createModelStore({ now, loadLeaseMs }: { now: () => number; loadLeaseMs: number }): ModelStore {
  const values = new Map<string, { bytes: Buffer; until: number }>();
  const leases = new Map<string, { token: string; until: number }>();
  const members = new Map<string, string>();
  let notices: Notice[] = [];
  let newest = -1;

  const nameOf = ({ namespace, key }: CacheKey): string => `${namespace}:${key}`;
  const living = <Entry extends { until: number }>(map: Map<string, Entry>, name: string): Entry | undefined => {
    const entry = map.get(name);
    return entry !== undefined && entry.until > now() ? entry : undefined;
  };
  let life = 0;
  const all = (): Members => ({ life: newest < 0 ? "" : String(life), states: new Map(members) });

  function remember(): void {
    if (newest >= 0) return;
    newest = 0;
    life += 1;
    notices = [];
    members.clear();
    members.set(`forgotten ${life}`, "0:0");
  }

  function announce(targets: Notice["targets"]): Invalidation {
    remember();
    newest += 1;
    notices.push({ number: newest, targets });
    return { number: newest, members: all() };
  }

  function take(name: string, token: string): boolean {
    if (living(leases, name) !== undefined) return false;
    leases.set(name, { token, until: now() + loadLeaseMs });
    return true;
  }

  return {
    get: async (at) => living(values, nameOf(at))?.bytes,
    async lease(at, token) {
      const found = living(values, nameOf(at));
      if (found !== undefined) return { kind: "value", bytes: found.bytes };
      return { kind: take(nameOf(at), token) ? "granted" : "taken" };
    },
    leaseAnew: async (at, token) => take(nameOf(at), token),
    async fill(at, token, bytes, ttlMs) {
      if (living(leases, nameOf(at))?.token !== token) return false;
      leases.delete(nameOf(at));
      values.set(nameOf(at), { bytes, until: now() + ttlMs });
      return true;
    },
    async release(at, token) {
      if (living(leases, nameOf(at))?.token === token) leases.delete(nameOf(at));
    },
    async invalidate(keys) {
      for (const at of keys) {
        values.delete(nameOf(at));
        leases.delete(nameOf(at));
      }
      return announce(keys);
    },
    async invalidateMatching(target) {
      const { isMatch } = globMatcher(target.pattern);
      const stem = `${target.namespace}:`;
      const isHit = (name: string): boolean => name.startsWith(stem) && isMatch(name.slice(stem.length));
      const gone = [...values.keys()].filter((name) => isHit(name) && values.delete(name)).length;
      for (const name of [...leases.keys()]) if (isHit(name)) leases.delete(name);
      return { ...announce([target]), values: gone };
    },
    async join(member) {
      remember();
      members.set(member, `0:${newest}`);
      return newest;
    },
    async renew(member, beat, number) {
      if (!members.has(member)) return undefined;
      members.set(member, `${beat}:${number}`);
      return newest;
    },
    async leave(member) {
      members.delete(member);
    },
    members: async () => all(),
    async expel(member, state) {
      if (members.get(member) === state) members.delete(member);
    },
    follow: async (number) => notices.filter((notice) => notice.number > number),

    evict(what) {
      if (what === "values" || what === "all") values.clear();
      if (what === "leases" || what === "all") leases.clear();
      if (what === "notices" || what === "all") notices = [];
      if (what === "members" || what === "all") {
        members.clear();
        newest = -1;
      }
    },
  };
}
