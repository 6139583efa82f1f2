import { WireType } from "@bufbuild/protobuf/wire";
import { exact, integerOf, type Kind, malformed, numberTextOf, storable } from "./kind.ts";

const { Varint, Bit32, Bit64, LengthDelimited } = WireType;
const maxUint32 = 2n ** 32n - 1n;
const maxUint64 = 2n ** 64n - 1n;
const [minInt32, maxInt32] = [-(2n ** 31n), 2n ** 31n - 1n];
const [minInt64, maxInt64] = [-(2n ** 63n), 2n ** 63n - 1n];

export const text: Kind<string> = {
  wireType: LengthDelimited,
  read: (reader) => storable(reader.string()),
  parse(json, name) {
    if (typeof json !== "string") throw malformed(name, "a string");
    return storable(json);
  },
  isNothing: (value) => value === "",
};

export const bool: Kind<boolean> = {
  wireType: Varint,
  read: (reader) => reader.bool(),
  parse(json, name) {
    if (typeof json !== "boolean") throw malformed(name, "true or false");
    return json;
  },
  zero: false,
};

/** JSON has no numbers for NaN and the infinities; protobuf's JSON mapping writes them as strings. */
const notFinite = new Set(["NaN", "Infinity", "-Infinity"]);
const decimal = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export const double: Kind<number | string> = {
  wireType: Bit64,
  read: (reader) => jsonNumberOf(reader.double()),
  parse(json, name) {
    const digits = numberTextOf(json) ?? "";
    if (notFinite.has(digits)) return digits;
    const value = decimal.test(digits) ? Number(digits) : Number.NaN;
    if (!Number.isFinite(value)) throw malformed(name, "a number that a double can hold");
    return jsonNumberOf(value);
  },
  zero: 0,
};

function jsonNumberOf(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

export const int64: Kind<number | object> = {
  wireType: Varint,
  read: (reader) => exact(reader.int64()),
  parse: (json, name) => exact(integerOf(json, name, minInt64, maxInt64)),
  zero: 0,
};

export const sfixed64: Kind<number | object> = {
  ...int64,
  wireType: Bit64,
  read: (reader) => exact(reader.sfixed64()),
};

export const uint64: Kind<number | object> = {
  wireType: Varint,
  read: (reader) => exact(reader.uint64()),
  parse: (json, name) => exact(integerOf(json, name, 0n, maxUint64)),
  zero: 0,
};

export const fixed64: Kind<number | object> = { ...uint64, wireType: Bit64, read: (reader) => exact(reader.fixed64()) };

export const sint32: Kind<number> = {
  wireType: Varint,
  read: (reader) => reader.sint32(),
  parse: (json, name) => Number(integerOf(json, name, minInt32, maxInt32)),
  zero: 0,
};

/** Flags and counts of what was dropped: nearly always 0, and then left out. */
export const uint32: Kind<number> = {
  wireType: Varint,
  read: (reader) => reader.uint32(),
  parse: (json, name) => Number(integerOf(json, name, 0n, maxUint32)),
  isNothing: (value) => value === 0,
};

export const fixed32: Kind<number> = { ...uint32, wireType: Bit32, read: (reader) => reader.fixed32() };

/** Nanoseconds since 1970 as digits, since a double would lose the last ones; 0 means unknown. */
export const unixNano: Kind<string> = {
  wireType: Bit64,
  read: (reader) => String(reader.fixed64()),
  parse: (json, name) => String(integerOf(json, name, 0n, maxUint64)),
  isNothing: (value) => value === "0",
};

/**
 * A trace or span id in lower-case hexadecimal, which is how OTLP's JSON has it too. One of another
 * length, or of zeros, is invalid and counts as not sent.
 */
export function id(bytes: 8 | 16): Kind<string> {
  const valid = new RegExp(`^(?!0+$)[0-9a-f]{${bytes * 2}}$`);
  return {
    wireType: LengthDelimited,
    read: (reader) => Buffer.from(reader.bytes()).toString("hex"),
    parse(json, name) {
      if (typeof json !== "string") throw malformed(name, "a string of hexadecimal digits");
      return json.toLowerCase();
    },
    isNothing: (value) => !valid.test(value),
  };
}

/** An enum kept as its number; JSON may give its name. `names` are in the order of their numbers, from 0. */
export function enumNumber(prefix: string, names: readonly string[]): Kind<number> {
  return {
    wireType: Varint,
    read: (reader) => reader.int32(),
    parse(json, name) {
      const named = typeof json === "string" ? names.findIndex((value) => json === `${prefix}${value}`) : -1;
      return named >= 0 ? named : Number(integerOf(json, name, minInt32, maxInt32));
    },
    isNothing: (value) => value === 0,
  };
}

/** An enum kept as its name without the prefix; a number that has no name yet stays a number. */
export function enumName(prefix: string, names: readonly string[]): Kind<string | number> {
  const numbers = enumNumber(prefix, names);
  const nameOf = (number: number): string | number => names[number] ?? number;
  return {
    wireType: Varint,
    read: (reader, depth) => nameOf(numbers.read(reader, depth)),
    parse: (json, name, depth) => nameOf(numbers.parse(json, name, depth)),
    isNothing: (value) => value === names[0],
  };
}
