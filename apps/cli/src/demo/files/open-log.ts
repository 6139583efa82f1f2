import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";

/** The text of a log file as bytes; `.gz` and `.zst` are unpacked on the way. */
export function openLog(path: string): Readable {
  const file = createReadStream(path, { highWaterMark: 256 * 1_024 });
  const unpack = path.endsWith(".gz") ? createGunzip() : path.endsWith(".zst") ? createZstdDecompress() : undefined;
  if (unpack === undefined) return file;
  // A fault of either destroys both, and reaches the reader through the second.
  return pipeline(file, unpack, () => {});
}
