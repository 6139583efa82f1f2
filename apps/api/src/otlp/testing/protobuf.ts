import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** Writes one field of a protobuf message. */
export type Part = (writer: BinaryWriter) => BinaryWriter;

/** The bytes of a message of these fields. */
export function bytesOf(...parts: readonly Part[]): Buffer {
  return Buffer.from(parts.reduce((writer, part) => part(writer), new BinaryWriter()).finish());
}

export const nested =
  (no: number, ...parts: readonly Part[]): Part =>
  (writer) =>
    writer.tag(no, WireType.LengthDelimited).bytes(bytesOf(...parts));

export const text =
  (no: number, value: string): Part =>
  (writer) =>
    writer.tag(no, WireType.LengthDelimited).string(value);

export const raw =
  (no: number, hex: string): Part =>
  (writer) =>
    writer.tag(no, WireType.LengthDelimited).bytes(Buffer.from(hex, "hex"));

export const fixed64 =
  (no: number, value: bigint): Part =>
  (writer) =>
    writer.tag(no, WireType.Bit64).fixed64(value);

export const varint =
  (no: number, value: bigint | number): Part =>
  (writer) =>
    writer.tag(no, WireType.Varint).int64(String(value));

export const double =
  (no: number, value: number): Part =>
  (writer) =>
    writer.tag(no, WireType.Bit64).double(value);

/** A `KeyValue` in field `no`; `value` is the content of its `AnyValue`. */
export const attribute = (no: number, key: string, ...value: readonly Part[]): Part =>
  nested(no, text(1, key), nested(2, ...value));
