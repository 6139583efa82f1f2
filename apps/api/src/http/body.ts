import { isUtf8 } from "node:buffer";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { HttpProblem } from "./problem.ts";

type Decoder = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const decoders: Readonly<Record<string, Decoder>> = {
  gzip: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  deflate: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate),
  zstd: promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress),
};

/**
 * The body decoded as `Content-Encoding` says (RFC 9110, 8.4). Decoding stops at `maxBytes`, so that a
 * small body that unpacks to a huge one costs 413 and little memory.
 */
export async function bytesOf(body: Buffer, contentEncoding: string | undefined, maxBytes: number): Promise<Buffer> {
  const encoding = contentEncoding?.trim().toLowerCase();
  return encoding === undefined || encoding === "identity" ? body : await decoded(body, encoding, maxBytes);
}

/** The body as text, decoded like `bytesOf`. */
export async function textOf(body: Buffer, contentEncoding: string | undefined, maxBytes: number): Promise<string> {
  const bytes = await bytesOf(body, contentEncoding, maxBytes);
  if (!isUtf8(bytes)) {
    throw new HttpProblem({ status: 400, code: "invalid_encoding", detail: "The body is not valid UTF-8" });
  }
  // A byte order mark is allowed and means nothing.
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
    ? bytes.toString("utf8", 3)
    : bytes.toString("utf8");
}

async function decoded(body: Buffer, encoding: string, maxBytes: number): Promise<Buffer> {
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (decoder === undefined) {
    throw new HttpProblem({
      status: 415,
      code: "unsupported_content_encoding",
      detail: `Content-Encoding must be one of ${Object.keys(decoders).join(", ")} or identity`,
      headers: { "accept-encoding": Object.keys(decoders).join(", ") },
    });
  }
  try {
    return await decoder(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof RangeError) {
      throw new HttpProblem({
        status: 413,
        code: "body_too_large",
        detail: `The body is larger than ${maxBytes} bytes after decompression; send fewer events`,
      });
    }
    throw new HttpProblem({
      status: 400,
      code: "invalid_encoding",
      detail: `The body is not valid ${encoding}`,
      cause: error,
    });
  }
}
