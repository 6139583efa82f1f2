import { within } from "@millrace/runtime";

export interface QuestionLimits {
  /** Nobody waits longer for the answer. */
  readonly patienceMs: number;
  /** So long an answer is given again. */
  readonly freshMs: number;
  /** A question that has hung for so long is given up for another one: its connection may be one that is lost. */
  readonly giveUpMs: number;
}

const defaults: QuestionLimits = { patienceMs: 1_500, freshMs: 1_000, giveUpMs: 10_000 };

/**
 * Asks a question that may hang: once at a time, however many want to know, and nobody is held up by it. `ask` must
 * not reject; `late` is what it means that there is no answer in time.
 */
export function boundedQuestion<T>(
  ask: () => Promise<T>,
  late: (patienceMs: number) => T,
  limits: Partial<QuestionLimits> = {},
): () => Promise<T> {
  const { patienceMs, freshMs, giveUpMs } = { ...defaults, ...limits };
  let underWay: { readonly askedAt: number; readonly answer: Promise<T> } | undefined;
  let last: { readonly answer: T; readonly at: number } | undefined;

  function question(): { readonly askedAt: number; readonly answer: Promise<T> } {
    const now = performance.now();
    if (underWay !== undefined && now - underWay.askedAt < giveUpMs) return underWay;
    const asked = {
      askedAt: now,
      answer: ask().then((answer) => {
        if (underWay === asked) {
          underWay = undefined;
          last = { answer, at: performance.now() };
        }
        return answer;
      }),
    };
    underWay = asked;
    return asked;
  }

  return async () => {
    if (underWay === undefined && last !== undefined && performance.now() - last.at < freshMs) return last.answer;
    const { askedAt, answer } = question();
    const restMs = Math.max(0, patienceMs - (performance.now() - askedAt));
    return await within(restMs, answer).catch(() => late(patienceMs));
  };
}
