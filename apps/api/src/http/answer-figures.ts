import { type RequestEvent, requestEvents } from "./request-events.ts";

/** How many requests this process answered, and how many of them with 5xx; counted since it began. */
export interface AnswerFigures extends Disposable {
  read(): { readonly requests: number; readonly request_errors: number };
}

export function startAnswerFigures(): AnswerFigures {
  let requests = 0;
  let errors = 0;
  const count = (message: unknown): void => {
    const { status } = message as RequestEvent; // the channel carries nothing else
    requests += 1;
    if (status >= 500) errors += 1;
  };
  requestEvents.subscribe(count);
  return {
    read: () => ({ requests, request_errors: errors }),
    [Symbol.dispose]: () => {
      requestEvents.unsubscribe(count);
    },
  };
}
