import { z } from "zod";
import type { Fleet, Member } from "../join-fleet.ts";
import { boundedQuestion } from "./bounded-question.ts";
import type { DependencyState, WatchedDependency } from "./dependency.ts";

const status = z.enum(["ok", "degraded", "down"]);

/** How a process is, with all that it depends on. */
export const healthReport = z.object({
  status: status.describe("down: it cannot do its work; degraded: it does, and something is wrong"),
  role: z.string().meta({ example: "api" }),
  version: z.string(),
  node: z.string(),
  started_at: z.string(),
  reasons: z.array(z.string()).describe("Why it is not ok"),
  dependencies: z.array(
    z.object({
      name: z.string().meta({ example: "postgresql" }),
      status,
      latency_ms: z.number().nullable(),
      version: z.string().nullable(),
      detail: z.string().nullable(),
    }),
  ),
  consumers: z
    .record(z.string(), z.object({ alive: z.int(), stuck: z.int() }))
    .nullable()
    .describe("By queue, the workers that take its jobs, and those that do not though work waits; null: not known"),
});

export type HealthReport = z.output<typeof healthReport>;
export type HealthStatus = HealthReport["status"];

export interface HealthOptions {
  readonly role: string;
  readonly version: string;
  readonly dependencies: readonly WatchedDependency[];
  /** Those whose number and state follow from elsewhere, such as standbys. */
  readonly others?: () => readonly DependencyState[];
  readonly fleet: Pick<Fleet, "members">;
  readonly queues: readonly string[];
  /** What else is wrong with this process. */
  readonly troubles?: () => readonly string[];
}

export interface Health {
  /** In little more than a second, whatever hangs. */
  report(): Promise<HealthReport>;
  /** Only whether it can do its work, from what it cannot do without. */
  ready(): Promise<{ readonly status: HealthStatus; readonly missing: readonly DependencyState[] }>;
  /** How one dependency is. */
  stateOf(name: string): Promise<DependencyState | undefined>;
}

export function createHealth(options: HealthOptions): Health {
  const { role, version, dependencies, others = () => [], fleet, queues, troubles = () => [] } = options;
  const startedAt = new Date(performance.timeOrigin).toISOString();

  const members = boundedQuestion<readonly Member[] | undefined>(
    () => fleet.members().catch(() => undefined),
    () => undefined,
  );

  async function dependencyStates(): Promise<DependencyState[]> {
    return [...(await Promise.all(dependencies.map((one) => one.state()))), ...others()];
  }

  const isDown = (states: readonly DependencyState[]): boolean => missingOf(states).length > 0;
  const missingOf = (states: readonly DependencyState[]): DependencyState[] =>
    states.filter(
      ({ name, status: is }) => is === "down" && dependencies.some((one) => one.name === name && one.isNeeded),
    );

  return {
    async report() {
      const [states, known] = await Promise.all([dependencyStates(), members()]);
      const consumers = known === undefined ? null : consumersOf(known, queues);
      const reasons = [
        ...states.flatMap(({ name, status: is, detail }) => (is === "ok" ? [] : `${name} is ${is}: ${detail}`)),
        ...Object.entries(consumers ?? {}).flatMap(([queue, { alive, stuck }]) => reasonOf(queue, alive, stuck)),
        ...troubles(),
      ];
      return {
        status: isDown(states) ? "down" : reasons.length > 0 ? "degraded" : "ok",
        role,
        version,
        node: process.version,
        started_at: startedAt,
        reasons,
        dependencies: states,
        consumers,
      };
    },

    async ready() {
      const states = await dependencyStates();
      const missing = missingOf(states);
      const isWell = states.every(({ status: is }) => is === "ok") && troubles().length === 0;
      return { status: missing.length > 0 ? "down" : isWell ? "ok" : "degraded", missing };
    },

    stateOf: async (name) => await dependencies.find((one) => one.name === name)?.state(),
  };
}

function consumersOf(members: readonly Member[], queues: readonly string[]): NonNullable<HealthReport["consumers"]> {
  const all = members.flatMap(({ report }) => report.consumers);
  return Object.fromEntries(
    queues.map((name) => {
      const same = all.filter(({ queue }) => queue === name);
      const stuck = same.filter((one) => one.stuck).length;
      return [name, { alive: same.length - stuck, stuck }];
    }),
  );
}

function reasonOf(queue: string, alive: number, stuck: number): string[] {
  if (stuck > 0) return [`${stuck} workers take nothing from the queue ${queue} though work waits in it`];
  return alive === 0 ? [`no worker takes jobs from the queue ${queue}`] : [];
}
