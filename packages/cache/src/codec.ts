/** How values of a namespace are written for the shared tier. */
export interface Codec<Value> {
  encode(value: Value): Buffer;
  decode(bytes: Buffer): Value;
}

/** For values that JSON holds whole. */
export function jsonCodec<Value>(): Codec<Value> {
  return {
    encode: (value) => Buffer.from(JSON.stringify(value)),
    // What this namespace's own loader returned; the namespace's name changes with its shape.
    decode: (bytes) => JSON.parse(bytes.toString("utf8")) as Value,
  };
}

/** A reply as it is sent: nothing is parsed or written again when it is served. */
export interface Representation {
  /** The entity tag with its quotes (RFC 9110, 8.8.3), at most 255 characters. */
  readonly etag: string;
  /** Text and not bytes: a small Buffer may keep a large one that it is a part of from being freed. */
  readonly body: string;
}

export const representationCodec: Codec<Representation> = {
  encode: ({ etag, body }) =>
    Buffer.concat([Buffer.from([etag.length]), Buffer.from(etag, "latin1"), Buffer.from(body)]),
  decode(bytes) {
    const end = 1 + (bytes[0] ?? 0);
    return { etag: bytes.toString("latin1", 1, end), body: bytes.toString("utf8", end) };
  },
};
