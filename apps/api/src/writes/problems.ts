import type { Outcome, WriteKind } from "@millrace/domain";
import { HttpProblem } from "../http/problem.ts";
import type { Finished } from "./outcomes.ts";

const answers: Readonly<Record<Exclude<Outcome, "done">, { status: number; code: string; detail: string }>> = {
  not_found: {
    status: 404,
    code: "not_found",
    detail: "There is nothing to change: it, or what it refers to, is not there",
  },
  version_conflict: {
    status: 412,
    code: "version_conflict",
    detail: "It has changed since you read it; read it again and decide anew",
  },
  wrong_state: {
    status: 409,
    code: "wrong_state",
    detail: "It is not in a state that allows this; read it to see which",
  },
  exists: { status: 409, code: "exists", detail: "There is one with this id already" },
  blocked: { status: 409, code: "blocked", detail: "One of the two has blocked the other" },
  refused: { status: 422, code: "refused_by_database", detail: "PostgreSQL refuses the values" },
};

/** Why a write changed nothing, in words. */
export function reasonOf(outcome: Exclude<Outcome, "done">, detail: string | null): string {
  return detail === null ? answers[outcome].detail : `${answers[outcome].detail}: ${detail}`;
}

export function problemOfOutcome(id: string, kind: WriteKind, { outcome, detail }: Finished): HttpProblem {
  if (outcome === "done") return new HttpProblem({ status: 404, code: "not_found", detail: `${kind} left no row` });
  const { status, code } = answers[outcome];
  return new HttpProblem({ status, code, detail: reasonOf(outcome, detail), members: { write: `/v1/writes/${id}` } });
}
