import { collectDefaultMetrics, Registry } from "prom-client";

/** The registry of this process with Node's own figures (event loop lag, memory, CPU) under `millrace_`. */
export function createMetrics({ app }: { app: string }): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ app });
  collectDefaultMetrics({ register: registry, prefix: "millrace_" });
  return registry;
}
