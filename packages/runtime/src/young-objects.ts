import { setFlagsFromString } from "node:v8";

/**
 * Has V8 make every object as a young one. It may otherwise decide, for good, from what survived the first moments of
 * a process, to make objects of some places in the code as old ones: requests and answers among them, which then keep
 * alive all that they point to. In two of five starts each collection copied 15 MB and took 10 to 15 ms, where 0.1 MB
 * and 1 ms are enough (docs/decisions/0015). Call it first.
 */
export function keepObjectsYoung(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
