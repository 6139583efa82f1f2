#!/usr/bin/env node
// `npx millrace COMMAND`: every command in one, by way of what makes a fresh clone ready.
process.argv.splice(2, 0, "millrace");
await import("./bootstrap.mjs");
