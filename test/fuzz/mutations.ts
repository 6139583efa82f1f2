import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { Random } from "./random.ts";

/** What parsers and databases have stumbled over, as it stands in JSON. */
export const tokens: readonly [string, ...string[]] = [
  '"__proto__":{"isAdmin":true},',
  '"constructor":{"prototype":{"isAdmin":true}},',
  '"toString":1,',
  "1e400",
  "-1e400",
  "-0",
  "9223372036854775808",
  "0.1e-400",
  "NaN",
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
  '"\\u202e\\ufeff"',
  "\\",
  "\u0000",
  "\t\\N\t",
  "\\.\n",
  "[".repeat(2_000),
  '{"a":'.repeat(2_000),
  "/* */",
  '"id":"doubled","id":"doubled",',
  '"time":"52217-01-01T00:00:00Z",',
  '"time":"0000-00-00T99:99:99+99:99",',
  '"time":-1,',
  "'; DROP TABLE telemetry_events; --",
  "𝒳".repeat(300),
];

/** Changes the body in one to three places. */
export function mutate(body: Buffer, random: Random): Buffer {
  let mutated = body;
  for (let count = 1 + random.below(3); count > 0; count -= 1) mutated = mutateOnce(mutated, random);
  return mutated;
}

function mutateOnce(body: Buffer, random: Random): Buffer {
  const at = random.below(body.length + 1);
  const to = at + random.below(body.length - at + 1);
  switch (random.below(8)) {
    case 0: {
      const flipped = Buffer.from(body);
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
      return flipped;
    }
    case 1:
      return body.subarray(0, at);
    case 2:
      return Buffer.concat([body.subarray(0, at), body.subarray(to)]);
    case 3:
      return Buffer.concat([body.subarray(0, to), body.subarray(at)]); // a part of it twice
    case 4:
      return Buffer.concat([body.subarray(0, at), random.bytes(1 + random.below(16)), body.subarray(at)]);
    case 5:
      return replaceValue(body, random);
    default:
      return Buffer.concat([body.subarray(0, at), Buffer.from(random.pick(tokens)), body.subarray(at)]);
  }
}

/** Puts a token where a value is, so that the body often stays JSON. */
function replaceValue(body: Buffer, random: Random): Buffer {
  const text = body.toString("latin1");
  const colons = [...text.matchAll(/:\s*("[^"]*"|[\d.]+)/g)];
  const found = colons[random.below(Math.max(colons.length, 1))];
  if (found === undefined) return body;
  const value = random.pick(tokens).replace(/,$/, "");
  return Buffer.from(`${text.slice(0, found.index)}:${value}${text.slice(found.index + found[0].length)}`, "latin1");
}

const bomb = Buffer.alloc(64 * 1_024 ** 2, 0x20);
const bombs = {
  gzip: gzipSync(bomb),
  deflate: deflateSync(bomb),
  zstd: zstdCompressSync(bomb),
} as const;

export interface Encoded {
  readonly kind: string;
  readonly encoding: string | undefined;
  readonly body: Buffer;
}

/** The body in an encoding that is right, damaged, unknown, contradicted by the bytes, or a bomb. */
export function encode(body: Buffer, random: Random): Encoded {
  const encoding = random.pick(["gzip", "deflate", "zstd"]);
  const encoders = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync };
  const encoded = (): Buffer => encoders[encoding](body);
  const choice = random.below(100);
  if (choice < 60) return { kind: "plain", encoding: undefined, body };
  if (choice < 75) return { kind: "encoded", encoding, body: encoded() };
  if (choice < 85) return { kind: "damaged encoding", encoding, body: mutate(encoded(), random) };
  if (choice < 92) return { kind: "encoding that it is not", encoding, body };
  if (choice < 99) return { kind: "unknown encoding", encoding: random.pick(["br, gzip", "compress", "💥", ""]), body };
  return { kind: "bomb", encoding, body: bombs[encoding] };
}
