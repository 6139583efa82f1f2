import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { TextDecoder } from "node:util";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { DemoError } from "../api-client.ts";

const gzipMark = Buffer.from([0x1f, 0x8b]);
const zstdMark = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const utf16Marks = [
  ["utf-16le", Buffer.from([0xff, 0xfe])],
  ["utf-16be", Buffer.from([0xfe, 0xff])],
] as const;

const otlp = /^\s*\{\s*"resource(?<signal>Logs|Metrics|Spans)"/;

/**
 * The text of a log file in pieces, unpacked if its first bytes are those of gzip or zstd, whatever its
 * name. Bytes that are not UTF-8 (or UTF-16 after its mark) become U+FFFD; NUL characters, which PostgreSQL
 * cannot store, are left out. Throws a `DemoError` for what is no log, before its first piece.
 */
export async function* textOf(path: string): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  for await (const bytes of bytesOf(path)) {
    const isFirst = decoder === undefined;
    decoder ??= new TextDecoder(utf16Marks.find(([, mark]) => startsWith(bytes, mark))?.[0] ?? "utf-8");
    const text = decoder.decode(bytes, { stream: true });
    if (isFirst) mustBeLog(path, text);
    yield text.replaceAll("\0", "");
  }
  yield decoder?.decode() ?? "";
}

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const file: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: 256 * 1_024 });
  const chunks = file[Symbol.asyncIterator]();
  const { value: first, done } = await chunks.next();
  if (done) return;
  async function* whole(): AsyncGenerator<Buffer> {
    yield first;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  const unpack = startsWith(first, gzipMark)
    ? createGunzip()
    : startsWith(first, zstdMark)
      ? createZstdDecompress()
      : undefined;
  // A fault of either side destroys both, and reaches the reader through the second.
  yield* unpack === undefined ? whole() : pipeline(whole(), unpack, () => {});
}

function startsWith(bytes: Uint8Array, mark: Uint8Array): boolean {
  return bytes.length >= mark.length && mark.every((byte, at) => bytes[at] === byte);
}

function mustBeLog(path: string, text: string): void {
  // A log rotated by truncation begins with as many NULs as were written before; escapes are a terminal's colours.
  const head = text.replace(/^\0+/, "").slice(0, 8_192).replaceAll("\u001b", "");
  if ((head.match(/(?!\s)\p{Cc}/gu)?.length ?? 0) > head.length / 20) {
    throw new DemoError(`${path} is not a text file; unpack or convert it, and send the log that it holds`);
  }
  const signal = otlp.exec(head)?.groups?.["signal"];
  if (signal !== undefined) {
    const route = `/v1/${signal === "Spans" ? "traces" : signal.toLowerCase()}`;
    throw new DemoError(
      `${path} is OTLP/JSON, not a log. Millrace takes such a document whole:\n` +
        `curl -X POST URL${route} -H 'authorization: Bearer KEY' -H 'content-type: application/json' --data-binary @'${path}'`,
    );
  }
}
