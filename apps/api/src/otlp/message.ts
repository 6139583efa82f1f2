import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { type Entry, keyValue } from "./any-value.ts";
import { isObject, type Kind, malformed, maxDepth, tooDeep } from "./kind.ts";

/** A field of a message. Its JSON name is its key in the message's fields. */
export interface Field<T> {
  readonly no: number;
  readonly kind: Kind<unknown>;
  readonly isRepeated: boolean;
  /** What the message gets of the values that were sent: the last one, or all of a repeated field. */
  keep(values: readonly unknown[]): T | undefined;
}

type Fields = Readonly<Record<string, Field<unknown>>>;

/** What is kept of a message: fields that were not sent, or say nothing, are left out. */
export type MessageOf<F extends Fields> = { readonly [Name in keyof F]?: F[Name] extends Field<infer T> ? T : never };

export interface Message<T> extends Kind<T> {
  /** Reads a whole protobuf message. Throws any `Error` for bytes that are none. */
  readBytes(bytes: Uint8Array, depth: number): T;
}

export function field<T>(no: number, kind: Kind<T>): Field<T> {
  const keep = (values: readonly unknown[]): T | undefined => {
    const value = (values.length === 0 ? kind.zero : values.at(-1)) as T | undefined; // `kind` made the values
    return value !== undefined && kind.isNothing?.(value) === true ? undefined : value;
  };
  return { no, kind, isRepeated: false, keep };
}

/** A field that is kept if and only if it was sent, whatever its value: `optional` or a `oneof`'s. */
export function optional<T>(no: number, kind: Kind<T>): Field<T> {
  return { no, kind, isRepeated: false, keep: (values) => values.at(-1) as T | undefined }; // `kind` made them
}

export function repeated<T>(no: number, kind: Kind<T>): Field<readonly T[]> {
  const keep = (values: readonly unknown[]) => (values.length === 0 ? undefined : (values as T[])); // `kind` made them
  return { no, kind, isRepeated: true, keep };
}

/** `repeated KeyValue` as one object, so that a filter can name an attribute; of equal keys the last counts. */
export function attributes(no: number): Field<Readonly<Record<string, unknown>>> {
  const keep = (values: readonly unknown[]) =>
    values.length === 0 ? undefined : Object.fromEntries(values as Entry[]); // `keyValue` made them
  return { no, kind: keyValue, isRepeated: true, keep };
}

/**
 * A message of these fields, in this order; unknown fields are skipped. The order is the same from both
 * encodings, and whatever order the sender wrote, so that equal messages become equal JSON text.
 */
export function message<F extends Fields>(fields: F): Message<MessageOf<F>> {
  const entries = Object.entries(fields);
  const placeOf = new Map(entries.map(([, { no }], at) => [no, at]));

  function kept(sent: readonly (unknown[] | undefined)[]): MessageOf<F> {
    const result: Record<string, unknown> = {};
    for (const [at, [name, { keep }]] of entries.entries()) {
      const value = keep(sent[at] ?? []);
      if (value !== undefined) result[name] = value;
    }
    return result as MessageOf<F>; // each field's `keep` gave its value
  }

  function readBytes(bytes: Uint8Array, depth: number): MessageOf<F> {
    if (depth >= maxDepth) throw tooDeep();
    const reader = new BinaryReader(bytes);
    const sent: unknown[][] = [];
    while (reader.pos < reader.len) {
      const [no, wireType] = reader.tag();
      const at = placeOf.get(no);
      const found = at === undefined ? undefined : entries[at]?.[1];
      if (at === undefined || found === undefined) {
        reader.skip(wireType, no);
        continue;
      }
      sent[at] ??= [];
      const values = sent[at];
      if (!found.isRepeated) values.length = 0;
      readField(reader, found, { no, wireType, depth }, values);
    }
    return kept(sent);
  }

  return {
    wireType: WireType.LengthDelimited,
    readBytes,
    read: (reader, depth) => readBytes(reader.bytes(), depth + 1),
    parse(json, name, depth) {
      if (depth >= maxDepth) throw tooDeep();
      if (!isObject(json)) throw malformed(name, "an object");
      return kept(entries.map(([member, known]) => parsedField(json[member], member, known, depth)));
    },
    isNothing: (value) => Object.keys(value).length === 0,
  };
}

function readField(
  reader: BinaryReader,
  { kind, isRepeated }: Field<unknown>,
  { no, wireType, depth }: { no: number; wireType: WireType; depth: number },
  values: unknown[],
): void {
  if (wireType === kind.wireType) {
    values.push(kind.read(reader, depth));
  } else if (isRepeated && wireType === WireType.LengthDelimited) {
    const packed = new BinaryReader(reader.bytes());
    while (packed.pos < packed.len) values.push(kind.read(packed, depth));
  } else {
    reader.skip(wireType, no);
  }
}

function parsedField(
  json: unknown,
  name: string,
  { kind, isRepeated }: Field<unknown>,
  depth: number,
): unknown[] | undefined {
  if (json === undefined || json === null) return undefined;
  if (!isRepeated) return [kind.parse(json, name, depth + 1)];
  if (!Array.isArray(json)) throw malformed(name, "an array");
  return json.map((item) => kind.parse(item, name, depth + 1));
}
