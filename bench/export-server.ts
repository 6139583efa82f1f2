import { registerReading } from "@millrace/api/reading";
import { connectPostgres } from "@millrace/db";
import Fastify from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";

/**
 * The API's reading routes in a process of their own, so that its memory is theirs. Started with the
 * database's URL; answers "reset" with its memory and begins a new peak, and "peak" with the peak.
 */
const [url = ""] = process.argv.slice(2);
const db = await connectPostgres({ url, applicationName: "millrace-bench-export" });
const app = Fastify();
app.setValidatorCompiler(validatorCompiler);
app.setSerializerCompiler(serializerCompiler);
registerReading(app, { readsOf: () => db });

let peak = 0;
const sample = (): void => {
  peak = Math.max(peak, process.memoryUsage.rss());
};
setInterval(sample, 20).unref();
process.on("message", (message) => {
  if (message === "reset") peak = 0;
  sample();
  process.send?.({ rss: peak });
});
process.send?.({ url: await app.listen({ port: 0, host: "127.0.0.1" }) });
