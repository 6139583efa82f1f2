import process from "node:process";
import { createClient } from "../client.ts";

// A program that sends events and then does what its arguments say, for the tests of how a process ends.
const [url = "", then = "", ...closeOn] = process.argv.slice(2);
const client = createClient({
  url,
  key: "mr_key",
  lingerMs: 3_600_000,
  retryBaseMs: 50,
  flushTimeoutMs: 3_000,
  closeOn: closeOn.filter((exit) => exit === "beforeExit" || exit === "SIGTERM"),
});
client.send({ source: "/sender", type: "ended" });
if (then === "await") {
  const { accepted } = await client.flush();
  process.stdout.write(`accepted ${accepted}`);
}
if (then === "stay") {
  setInterval(() => {}, 60_000);
  process.stdout.write("staying");
}
