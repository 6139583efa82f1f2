import type { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { EventError } from "../events/parse-event.ts";

/**
 * A kind of field: how it is read from protobuf and from JSON, and what is kept of it. Both ways give
 * the same value, one that `JSON.stringify` writes as it is stored.
 */
export interface Kind<T> {
  readonly wireType: WireType;
  /** The value at the reader's position. Throws any `Error` if there is none. */
  read(reader: BinaryReader, depth: number): T;
  /** The value of a member called `name`. Throws `EventError`. */
  parse(json: unknown, name: string, depth: number): T;
  /** True for a value that says nothing, such as an empty string: a field that has it is left out. */
  isNothing?(value: T): boolean;
  /** What a field is kept as when it was not sent; without it the field is left out. */
  readonly zero?: T;
}

/** Messages nested deeper than this are not read; what is stored is then at most 64 deep. */
export const maxDepth = 100;

export function malformed(name: string, expected: string): EventError {
  return new EventError("invalid_event", `${name} must be ${expected}`);
}

export function tooDeep(): EventError {
  return new EventError("data_too_deep", `The record is nested more than ${maxDepth} messages deep`);
}

/** True for what `{…}` in JSON text became. */
export function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json) && !JSON.isRawJSON(json);
}

/** The digits of a number, or of a string that stands for one; `undefined` for anything else. */
export function numberTextOf(json: unknown): string | undefined {
  if (typeof json === "string") return json;
  if (typeof json === "number") return String(json);
  // Only an object that has this property is raw JSON.
  return JSON.isRawJSON(json) ? (json as { rawJSON: string }).rawJSON : undefined;
}

/** An integer written as JSON has it, with a fraction of zeros or an exponent too if a double can hold it. */
export function integerOf(json: unknown, name: string, min: bigint, max: bigint): bigint {
  const text = numberTextOf(json) ?? "";
  const value = /^-?\d{1,20}$/.test(text) ? BigInt(text) : wholeOf(text);
  if (value === undefined || value < min || value > max) throw malformed(name, `an integer from ${min} to ${max}`);
  return value;
}

function wholeOf(text: string): bigint | undefined {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

/** The integer as JSON's number, with all its digits. */
export function exact(value: bigint | string): number | object {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : JSON.rawJSON(String(value));
}

/** PostgreSQL's text has neither NUL nor lone surrogates; U+FFFD stands for them. */
export function storable(text: string): string {
  return text.includes("\0") || !text.isWellFormed() ? text.toWellFormed().replaceAll("\0", "\ufffd") : text;
}
