/** Requests of as many events as asked for, each with a number, whose events are known by it. */
export interface NumberedEvents {
  next(): { readonly number: number; readonly body: string };
}

/** Events with the ids `RUN-REQUEST-INDEX`: what is stored tells which request it came with. */
export function numberedEvents(run: string, perRequest: number): NumberedEvents {
  let count = 0;
  return {
    next() {
      const number = count;
      count += 1;
      const time = new Date().toISOString();
      const events = Array.from({ length: perRequest }, (_, index) => {
        const data = `{"value":${number % 1_000},"unit":"ms","host":"host-${index % 50}","message":"request finished"}`;
        return `{"id":"${run}-${number}-${index}","source":"/${run}/service-${index % 20}","type":"com.example.metric.${index % 30}","subject":"user-${number % 5_000}","time":"${time}","data":${data}}`;
      });
      return { number, body: `[${events.join(",")}]` };
    },
  };
}
