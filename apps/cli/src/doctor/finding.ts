/** What was found about one thing. */
export interface Finding {
  /** What it is about: `configuration`, `postgresql`, `queue`, … */
  readonly area: string;
  readonly name: string;
  readonly status: "ok" | "warn" | "fail";
  readonly detail: string;
  /** What to do about it; absent where nothing is to be done. */
  readonly mend?: string;
}

export type Area = ReturnType<typeof findingsOf>;

/** Makes the findings of an area. */
export function findingsOf(area: string) {
  return {
    ok: (name: string, detail: string): Finding => ({ area, name, status: "ok", detail }),
    warn: (name: string, detail: string, mend: string): Finding => ({ area, name, status: "warn", detail, mend }),
    fail: (name: string, detail: string, mend: string): Finding => ({ area, name, status: "fail", detail, mend }),
  };
}

export function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
}

/** How far a server's clock is from ours: events are put into months and shown as late by these clocks. */
export function skewFinding({ ok, warn, fail }: Area, skewMs: number, withinMs: number): Finding {
  const known = Math.max(0, Math.abs(skewMs) - withinMs);
  const away = known < 50 ? 0 : known;
  const detail = `ours is ${away === 0 ? "the same" : `${(away / 1_000).toFixed(1)} s ${skewMs > 0 ? "ahead" : "behind"}`}`;
  const mend = "Have both machines set their clocks by NTP (chrony, systemd-timesyncd)";
  if (away > 5_000) return fail("clock", detail, mend);
  return away > 500 ? warn("clock", detail, mend) : ok("clock", detail);
}
