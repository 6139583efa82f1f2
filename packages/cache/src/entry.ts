import { promisify } from "node:util";
import zlib from "node:zlib";

const compress = promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdCompress);
const decompress = promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);

/** What the shared tier keeps of a value. Times are in ms. */
export interface CacheEntry {
  /** Since 1970, by the clock of whoever loaded it; clocks that differ make a value live longer or shorter. */
  readonly loadedAt: number;
  /** From `loadedAt` on: after this it is loaded again behind the reader's back. */
  readonly ttlMs: number;
  /** What loading it took. */
  readonly loadMs: number;
  /** `undefined`: it is known that there is none. */
  readonly payload: Buffer | undefined;
}

const headerLength = 17;
const codecs = { plain: 1, absent: 2, zstd: 3 } as const;
const compressionLevel = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } };

/** One byte that says what the payload is, `loadedAt` (double), `ttlMs` and `loadMs` (uint32), then the payload. */
export async function bytesOf(entry: CacheEntry, compressAboveBytes: number): Promise<Buffer> {
  const { payload } = entry;
  if (payload === undefined) return headerOf(codecs.absent, entry);
  if (payload.length <= compressAboveBytes) return Buffer.concat([headerOf(codecs.plain, entry), payload]);
  const small = await compress(payload, compressionLevel);
  const isWorthIt = small.length < payload.length * 0.9;
  return Buffer.concat([headerOf(isWorthIt ? codecs.zstd : codecs.plain, entry), isWorthIt ? small : payload]);
}

/** `undefined` for bytes that no version of this wrote. A compressed payload is a promise. */
export function entryOf(bytes: Buffer): CacheEntry | Promise<CacheEntry> | undefined {
  if (bytes.length < headerLength) return undefined;
  const times = { loadedAt: bytes.readDoubleLE(1), ttlMs: bytes.readUInt32LE(9), loadMs: bytes.readUInt32LE(13) };
  const payload = bytes.subarray(headerLength);
  switch (bytes[0]) {
    case codecs.plain:
      return { ...times, payload };
    case codecs.absent:
      return { ...times, payload: undefined };
    case codecs.zstd:
      return decompress(payload, {}).then((whole) => ({ ...times, payload: whole }));
    default:
      return undefined;
  }
}

function headerOf(codec: number, { loadedAt, ttlMs, loadMs }: CacheEntry): Buffer {
  const header = Buffer.allocUnsafe(headerLength);
  header.writeUInt8(codec, 0);
  header.writeDoubleLE(loadedAt, 1);
  header.writeUInt32LE(Math.min(Math.round(ttlMs), 0xffff_ffff), 9);
  header.writeUInt32LE(Math.min(Math.round(loadMs), 0xffff_ffff), 13);
  return header;
}
