/** A thread that turns TypeScript into JavaScript, and takes the compiler's memory with it when it ends. */
import { parentPort, workerData } from "node:worker_threads";
import { transformSync } from "amaro";

const sources = workerData as readonly string[]; // from load-files.ts, which alone starts this
parentPort?.postMessage(sources.map((source) => transformSync(source, { mode: "strip-only" }).code));
