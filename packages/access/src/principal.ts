import { allowedBy, type Scope } from "./scope.ts";
import type { StoredKey } from "./stored-keys.ts";

/** Who sent a request. */
export interface Principal {
  readonly keyId: string;
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  /** What the key itself may send; `undefined` where it has what all keys have. */
  readonly eventsPerSecond?: number | undefined;
  readonly eventsPerDay?: number | undefined;
}

export function principalOf(key: StoredKey): Principal {
  return {
    keyId: key.id,
    name: key.name,
    scopes: allowedBy(key.scopes),
    eventsPerSecond: key.eventsPerSecond ?? undefined,
    eventsPerDay: key.eventsPerDay ?? undefined,
  };
}
