import { randomBytes } from "node:crypto";
import { appendFile, mkdtempDisposable, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { fileEvents } from "./file-events.ts";
import { linesOf } from "./lines.ts";

const tracedLog = [
  "2024-11-23 10:00:00,123 ERROR [main] org.example.Main: failed",
  "java.lang.IllegalStateException: no",
  "\tat org.example.Main.run(Main.java:10)",
  "",
  "2024-11-23 10:00:01,000 INFO  org.example.Main: again",
  "  with details",
  "Caused by: rain",
].join("\n");

async function folder() {
  return await mkdtempDisposable(join(tmpdir(), "millrace-demo-"));
}

async function eventsIn(path: string) {
  return await Array.fromAsync(fileEvents(path));
}

test("lines without a time belong to the line before them", async () => {
  await using dir = await folder();
  const path = join(dir.path, "app.log");
  await writeFile(path, tracedLog);
  const events = await eventsIn(path);
  expect(events.map(({ time, data }) => [time, data["log.file.line"], data["message"], data["severity"]])).toEqual([
    ["2024-11-23T10:00:00.123Z", 1, tracedLog.split("\n")[0], "ERROR"],
    ["2024-11-23T10:00:00.123001Z", 2, tracedLog.split("\n")[1], undefined],
    ["2024-11-23T10:00:00.123002Z", 3, tracedLog.split("\n")[2], undefined],
    ["2024-11-23T10:00:01.000Z", 5, tracedLog.split("\n").slice(4).join("\n"), "INFO"],
  ]);
});

test("a file read again gives the same events, and an appended line changes none of them", async () => {
  await using dir = await folder();
  const path = join(dir.path, "app.log");
  await writeFile(path, `${tracedLog}\n`);
  const first = await eventsIn(path);
  expect(await eventsIn(path)).toEqual(first);
  await appendFile(path, "2024-11-23 10:00:02,000 INFO  done\n");
  const more = await eventsIn(path);
  expect(more.slice(0, -1)).toEqual(first);
  expect(new Set(more.map(({ id }) => id)).size).toBe(more.length);
});

test("the same line twice is two events, and so is the same line of two files", async () => {
  await using dir = await folder();
  const paths = [join(dir.path, "a.log"), join(dir.path, "b.log")];
  for (const path of paths) await writeFile(path, "2024-11-23 10:00:00 x\n2024-11-23 10:00:00 x\n");
  const events = (await Promise.all(paths.map(eventsIn))).flat();
  expect(new Set(events.map(({ id }) => id)).size).toBe(4);
});

test("a file without any time takes that of its last change", async () => {
  await using dir = await folder();
  const path = join(dir.path, "notes.txt");
  await writeFile(path, "one\ntwo\n");
  await utimes(path, new Date(), new Date("2020-05-06T07:08:09.000Z"));
  expect((await eventsIn(path)).map(({ time }) => time)).toEqual([
    "2020-05-06T07:08:09.000001Z",
    "2020-05-06T07:08:09.000002Z",
  ]);
});

test.each([
  ["gzip", "a.log.gz", gzipSync],
  ["zstd", "a.log.zst", zstdCompressSync],
  ["gzip under another name", "a.log", gzipSync],
  ["text under the name of a packed one", "a.log.gz", (text: Buffer) => text],
])("%s is read as the text that it holds", async (_what, name, pack) => {
  await using dir = await folder();
  const path = join(dir.path, name);
  await writeFile(path, pack(Buffer.from(tracedLog)));
  expect(await eventsIn(path)).toHaveLength(4);
});

test("a packed file that is damaged is an error, not an end", async () => {
  await using dir = await folder();
  const path = join(dir.path, "a.log.gz");
  await writeFile(path, gzipSync(Buffer.from(tracedLog)).subarray(0, -12));
  await expect(eventsIn(path)).rejects.toThrow();
});

test.each([
  ["line ends of Windows", Buffer.from("2024-11-23 10:00:00 a\r\n\r\n2024-11-23 10:00:01 b\r\n")],
  ["no last line end", Buffer.from("2024-11-23 10:00:00 a\n2024-11-23 10:00:01 b")],
  ["UTF-16", Buffer.from("\ufeff2024-11-23 10:00:00 a\n2024-11-23 10:00:01 b\n", "utf16le")],
  ["NULs of a rotation", Buffer.from(`${"\0".repeat(50_000)}2024-11-23 10:00:00 a\n2024-11-23 10:00:01 \0b\n`)],
])("%s make no difference", async (_what, bytes) => {
  await using dir = await folder();
  const path = join(dir.path, "a.log");
  await writeFile(path, bytes);
  expect((await eventsIn(path)).map(({ time, data }) => [time, data["message"]])).toEqual([
    ["2024-11-23T10:00:00.000Z", "2024-11-23 10:00:00 a"],
    ["2024-11-23T10:00:01.000Z", "2024-11-23 10:00:01 b"],
  ]);
});

test("bytes that are not UTF-8 cost a character each, not the line", async () => {
  await using dir = await folder();
  const path = join(dir.path, "a.log");
  await writeFile(path, Buffer.from("2024-11-23 10:00:00 café, \u001b[31mred\u001b[0m", "latin1"));
  expect((await eventsIn(path))[0]?.data["message"]).toBe("2024-11-23 10:00:00 caf\ufffd, \u001b[31mred\u001b[0m");
});

test("a program, an archive and noise are refused before anything is sent", async () => {
  await using dir = await folder();
  const paths = [process.execPath, join(dir.path, "a.xz"), join(dir.path, "noise")];
  await writeFile(paths[1] ?? "", Buffer.from("fd377a585a000004e6d6b4460200210116000000742fe5a3", "hex"));
  await writeFile(paths[2] ?? "", randomBytes(100_000));
  for (const path of paths) await expect(eventsIn(path)).rejects.toThrow("is not a text file");
});

test("OTLP/JSON is no log, and the message says where it goes", async () => {
  await using dir = await folder();
  const path = join(dir.path, "trace.json");
  await writeFile(path, '{\n  "resourceSpans": []\n}\n');
  await expect(eventsIn(path)).rejects.toThrow(/OTLP.JSON.*\n.*\/v1\/traces/);
});

test.each(["empty.log", "empty.csv", "empty.log.gz"])("%s has no events", async (name) => {
  await using dir = await folder();
  await writeFile(join(dir.path, name), "");
  expect(await eventsIn(join(dir.path, name))).toEqual([]);
});

test("no more of a file is read than is asked for", async () => {
  let taken = 0;
  async function* endless(): AsyncGenerator<string> {
    for (; ; taken += 1) yield `line ${taken}\nline`;
  }
  const lines = linesOf(endless());
  for (let count = 0; count < 3; count += 1) await lines.next();
  await lines.return(undefined);
  expect(taken).toBeLessThan(4);
});

test("JSON lines keep their fields, and known ones get the common names", async () => {
  await using dir = await folder();
  const path = join(dir.path, "app.jsonl");
  const lines = [
    { level: 50, time: 1732356000123, pid: 77, hostname: "db1", msg: "no", attempt: 3 },
    { "@timestamp": "2024-11-23T10:00:00Z", log_level: "warning", logger: "a.B", message: "hm" },
  ];
  await writeFile(path, lines.map((line) => JSON.stringify(line)).join("\n"));
  const events = await eventsIn(path);
  expect(events.map(({ time }) => time)).toEqual(["2024-11-23T10:00:00.123Z", "2024-11-23T10:00:00.000Z"]);
  expect(events.map(({ data }) => data)).toMatchObject([
    { message: "no", severity: "ERROR", "process.pid": 77, "host.name": "db1", fields: { attempt: 3 } },
    { message: "hm", severity: "WARN", component: "a.B" },
  ]);
});

test("syslog lines tell their host, program and process", async () => {
  await using dir = await folder();
  const path = join(dir.path, "auth.log");
  await writeFile(path, "Dec 10 06:55:46 LabSZ sshd[24200]: error: Invalid user webmaster\n");
  expect((await eventsIn(path))[0]?.data).toMatchObject({
    message: "Dec 10 06:55:46 LabSZ sshd[24200]: error: Invalid user webmaster",
    "host.name": "LabSZ",
    component: "sshd",
    "process.pid": 24200,
  });
});

test("a line longer than any event is cut, and says so", async () => {
  await using dir = await folder();
  const path = join(dir.path, "long.log");
  await writeFile(path, `2024-11-23 10:00:00 ${"🐢".repeat(100_000)}\n2024-11-23 10:00:01 short\n`);
  const [long, short] = await eventsIn(path);
  expect(String(long?.data["message"])).toHaveLength(32_768);
  expect(long?.data["log.record.truncated"]).toBe(true);
  expect(JSON.stringify(long?.data).isWellFormed()).toBe(true);
  expect(short?.data["message"]).toBe("2024-11-23 10:00:01 short");
});
