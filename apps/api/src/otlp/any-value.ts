import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { isObject, type Kind, malformed, maxDepth, tooDeep } from "./kind.ts";
import { bool, double, int64, text } from "./scalars.ts";

/** A `KeyValue`: an attribute's key, and its value as JSON. */
export type Entry = readonly [key: string, value: unknown];

const bytes: Kind<string> = {
  wireType: WireType.LengthDelimited,
  read: (reader) => Buffer.from(reader.bytes()).toString("base64"),
  parse(json, name) {
    if (typeof json !== "string") throw malformed(name, "a string in base64");
    return Buffer.from(json, "base64").toString("base64");
  },
};

const arrayValue: Kind<unknown[]> = {
  wireType: WireType.LengthDelimited,
  read: (reader, depth) => repeatedIn(reader.bytes(), (values) => anyValue.read(values, depth)),
  parse: (json, name, depth) => valuesOf(json, name).map((value) => anyValue.parse(value, name, depth)),
};

const kvlistValue: Kind<object> = {
  wireType: WireType.LengthDelimited,
  read: (reader, depth) => Object.fromEntries(repeatedIn(reader.bytes(), (values) => keyValue.read(values, depth))),
  parse: (json, name, depth) =>
    Object.fromEntries(valuesOf(json, name).map((value) => keyValue.parse(value, name, depth))),
};

/** The members of `AnyValue`; each one's place is its field number less 1. */
const members: readonly (readonly [name: string, kind: Kind<unknown>])[] = [
  ["stringValue", text],
  ["boolValue", bool],
  ["intValue", int64],
  ["doubleValue", double],
  ["arrayValue", arrayValue],
  ["kvlistValue", kvlistValue],
  ["bytesValue", bytes],
];

/** `AnyValue` as the JSON it stands for: bytes become base64, NaN and the infinities strings, nothing `null`. */
export const anyValue: Kind<unknown> = {
  wireType: WireType.LengthDelimited,
  read(outer, depth) {
    if (depth >= maxDepth) throw tooDeep();
    const reader = new BinaryReader(outer.bytes());
    let value: unknown = null;
    while (reader.pos < reader.len) {
      const [no, wireType] = reader.tag();
      const kind = members[no - 1]?.[1];
      if (kind?.wireType === wireType) value = kind.read(reader, depth + 1);
      else reader.skip(wireType, no);
    }
    return value;
  },
  parse(json, name, depth) {
    if (depth >= maxDepth) throw tooDeep();
    if (json === null || json === undefined) return null;
    if (!isObject(json)) throw malformed(name, 'an AnyValue such as {"stringValue":"a"}');
    for (const [member, kind] of members) {
      if (json[member] != null) return kind.parse(json[member], member, depth + 1);
    }
    return null;
  },
};

export const keyValue: Kind<Entry> = {
  wireType: WireType.LengthDelimited,
  read(outer, depth) {
    const reader = new BinaryReader(outer.bytes());
    let key = "";
    let value: unknown = null;
    while (reader.pos < reader.len) {
      const [no, wireType] = reader.tag();
      if (no === 1 && wireType === WireType.LengthDelimited) key = text.read(reader, depth);
      else if (no === 2 && wireType === WireType.LengthDelimited) value = anyValue.read(reader, depth);
      else reader.skip(wireType, no);
    }
    return [key, value];
  },
  parse(json, name, depth) {
    if (!isObject(json)) throw malformed(name, 'a list of {"key":…,"value":…}');
    return [text.parse(json["key"] ?? "", "key", depth), anyValue.parse(json["value"], "value", depth)];
  },
};

/** The elements of the field `values` of an `ArrayValue` or a `KeyValueList`. */
function repeatedIn<T>(message: Uint8Array, read: (reader: BinaryReader) => T): T[] {
  const reader = new BinaryReader(message);
  const elements: T[] = [];
  while (reader.pos < reader.len) {
    const [no, wireType] = reader.tag();
    if (no === 1 && wireType === WireType.LengthDelimited) elements.push(read(reader));
    else reader.skip(wireType, no);
  }
  return elements;
}

function valuesOf(json: unknown, name: string): readonly unknown[] {
  const values = isObject(json) ? (json["values"] ?? []) : undefined;
  if (!Array.isArray(values)) throw malformed(name, 'an object such as {"values":[…]}');
  return values;
}
