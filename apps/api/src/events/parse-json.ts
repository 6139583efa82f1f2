declare global {
  // ECMAScript "JSON.parse source text access", in Node since 22; not yet in TypeScript's library.
  interface JSON {
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
    parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  }
}

/** A number that no column of ours can hold, such as `1e999`. */
export class NumberOutOfRangeError extends Error {}

/**
 * Finds, in JSON text, numbers that a double may not hold: integers of 16 digits or more, fractions of
 * 18 or more (a double itself is written with 17 at most), and any exponent. It also finds some inside
 * strings, which costs a slower parse and nothing else.
 */
const mayLosePrecision = /[[:,\s]-?(?:\d{16}|[\d.]{19}|[\d.]+[eE])/;

const maxExponent = 1_000;

/**
 * `JSON.parse` that keeps every number exactly as written: one that a double cannot hold stays raw
 * text that `JSON.stringify` writes back unchanged. Throws `SyntaxError` for text that is not JSON and
 * `NumberOutOfRangeError` for exponents beyond 1,000.
 */
export function parseJson(text: string): unknown {
  if (!mayLosePrecision.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, { source }: { source?: string }) =>
    typeof value === "number" && source !== undefined ? exactNumber(value, source) : value,
  );
}

function exactNumber(value: number, source: string): unknown {
  if (String(value) === source) return value;
  const exponent = Number(/[eE]([+-]?\d+)$/.exec(source)?.[1] ?? 0);
  if (Math.abs(exponent) > maxExponent || source.length > maxExponent) {
    throw new NumberOutOfRangeError(
      `The number ${source.slice(0, 40)} has an exponent or length beyond ${maxExponent}`,
    );
  }
  return JSON.rawJSON(source);
}
