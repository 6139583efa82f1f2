import { boundedQuestion, type QuestionLimits } from "./bounded-question.ts";

/** How something is that this process needs, or would rather have. */
export interface DependencyState {
  readonly name: string;
  /** `degraded`: it answers, and something about it is not as it should be. */
  readonly status: "ok" | "degraded" | "down";
  /** How long it took to answer; `null` if it did not. */
  readonly latency_ms: number | null;
  readonly version: string | null;
  /** What is wrong with it, or worth knowing. */
  readonly detail: string | null;
}

/** What an answer says; nothing: it is well. */
export interface DependencyAnswer {
  readonly version?: string;
  readonly isDegraded?: boolean;
  readonly detail?: string;
}

export interface Dependency {
  readonly name: string;
  /** Without it the process is down; else it is degraded. */
  readonly isNeeded: boolean;
  /** Asks it. May reject, and may hang. */
  readonly ask: () => Promise<DependencyAnswer>;
}

export interface WatchedDependency extends Omit<Dependency, "ask"> {
  /** How it is, or was less than a second ago. Never rejects, and never takes long. */
  state(): Promise<DependencyState>;
}

/** Looks after a dependency without being held up by it, and without burdening it. */
export function watchDependency(
  { name, isNeeded, ask }: Dependency,
  limits?: Partial<QuestionLimits>,
): WatchedDependency {
  const downFor = (detail: string): DependencyState => ({
    name,
    status: "down",
    latency_ms: null,
    version: null,
    detail,
  });

  async function look(): Promise<DependencyState> {
    const askedAt = performance.now();
    try {
      const { version = null, isDegraded = false, detail = null } = await ask();
      const latency_ms = performance.now() - askedAt;
      return { name, status: isDegraded ? "degraded" : "ok", latency_ms, version, detail };
    } catch (error) {
      return downFor(error instanceof Error ? error.message : String(error));
    }
  }

  const late = (patienceMs: number): DependencyState => downFor(`no answer within ${patienceMs} ms`);
  return { name, isNeeded, state: boundedQuestion(look, late, limits) };
}
