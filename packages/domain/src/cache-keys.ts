/** What is cached of the domain, under these names, and what its keys look like. */
export const cachedForms = {
  users: ["{address}"],
  sessions: ["id/{id}", "of/{address}/{list}"],
  reports: ["id/{id}", "status/{status}", "stats/{days}"],
  blocks: ["{blocker}/{blocked}"],
  balances: ["{address}", "{address}/{asset}"],
} as const;

export type CachedNamespace = keyof typeof cachedForms;

export interface CachedKey {
  readonly namespace: CachedNamespace;
  readonly key: string;
}

/** The lists of an address's calls of which the first page is cached. */
export const sessionLists = ["all", "active", "ringing"] as const;
export type SessionList = (typeof sessionLists)[number];

/** The lengths of time, in days up to now, over which reports are counted. */
export const reportPeriods = [1, 7, 30, 90] as const;

export const reportStatuses = ["open", "reviewing", "resolved", "dismissed"] as const;

export const cacheKeys = {
  user: (address: string): CachedKey => ({ namespace: "users", key: address }),
  session: (id: string): CachedKey => ({ namespace: "sessions", key: `id/${id}` }),
  sessionsOf: (address: string, list: SessionList): CachedKey => ({
    namespace: "sessions",
    key: `of/${address}/${list}`,
  }),
  report: (id: string): CachedKey => ({ namespace: "reports", key: `id/${id}` }),
  reportsByStatus: (status: string): CachedKey => ({ namespace: "reports", key: `status/${status}` }),
  reportStats: (days: number): CachedKey => ({ namespace: "reports", key: `stats/${days}` }),
  block: (blocker: string, blocked: string): CachedKey => ({ namespace: "blocks", key: `${blocker}/${blocked}` }),
  balances: (address: string): CachedKey => ({ namespace: "balances", key: address }),
  balance: (address: string, asset: string): CachedKey => ({ namespace: "balances", key: `${address}/${asset}` }),
} as const;

/** All that changes when a call does. */
export function keysOfSession({ id, a_addr, b_addr }: { id: string; a_addr: string; b_addr: string }): CachedKey[] {
  const lists = [a_addr, b_addr].flatMap((address) => sessionLists.map((list) => cacheKeys.sessionsOf(address, list)));
  return [cacheKeys.session(id), ...lists];
}

/** All that changes when a report does. */
export function keysOfReport(id: string): CachedKey[] {
  return [
    cacheKeys.report(id),
    ...reportStatuses.map(cacheKeys.reportsByStatus),
    ...reportPeriods.map(cacheKeys.reportStats),
  ];
}
