import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { ExportRows } from "./rows-of-export.ts";
import type { Signal } from "./signals.ts";

export const contentTypes = { json: "application/json", protobuf: "application/x-protobuf" } as const;
export type ContentType = (typeof contentTypes)[keyof typeof contentTypes];

/** The content type of the answer: that of the request, JSON where the request has none that OTLP knows. */
export function contentTypeOf(header: string | undefined): ContentType {
  const mediaType = header?.split(";", 1)[0]?.trim().toLowerCase();
  return mediaType === contentTypes.protobuf ? contentTypes.protobuf : contentTypes.json;
}

/** `Export…ServiceResponse`; its `partial_success` is unset when every record was accepted. */
export function exportResponse(signal: Signal, { rejectedCount, reasons }: ExportRows, type: ContentType): Buffer {
  if (rejectedCount === 0) return Buffer.from(type === contentTypes.json ? "{}" : "");
  const errorMessage = `${rejectedCount} ${signal.noun} will not be stored: ${reasons.join("; ")}`;
  if (type === contentTypes.json) {
    return Buffer.from(JSON.stringify({ partialSuccess: { [signal.rejected]: String(rejectedCount), errorMessage } }));
  }
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.Varint).int64(rejectedCount);
  writer.tag(2, WireType.LengthDelimited).string(errorMessage);
  return Buffer.from(writer.join().finish());
}

/** The codes of `google.rpc.Code` for our HTTP statuses, as google/rpc/code.proto maps them. */
const codes: Readonly<Record<number, number>> = {
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  404: 5, // NOT_FOUND
  429: 8, // RESOURCE_EXHAUSTED
  503: 14, // UNAVAILABLE
  504: 4, // DEADLINE_EXCEEDED
};

/** `google.rpc.Status`, which OTLP wants as the body of every error. */
export function errorStatus(httpStatus: number, message: string, type: ContentType): Buffer {
  const code = codes[httpStatus] ?? (httpStatus < 500 ? 3 : 13); // INVALID_ARGUMENT, INTERNAL
  if (type === contentTypes.json) return Buffer.from(JSON.stringify({ code, message }));
  const writer = new BinaryWriter().tag(1, WireType.Varint).int32(code);
  return Buffer.from(writer.tag(2, WireType.LengthDelimited).string(message).finish());
}
