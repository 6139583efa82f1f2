import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { EventError } from "../events/parse-event.ts";
import { parseJson } from "../events/parse-json.ts";
import { HttpProblem } from "../http/problem.ts";
import { isObject } from "./kind.ts";
import type { Message } from "./message.ts";

/** A field of a message that holds messages, by its number in protobuf and its name in JSON. */
export interface ChildField {
  readonly no: number;
  readonly name: string;
}

/**
 * One of OTLP's two encodings. A request is gone through message by message and each record is decoded
 * alone, so that what a request costs is bound by its largest record and not by what its bytes could
 * become: two bytes of protobuf can stand for a whole record.
 */
export interface Encoding<Node> {
  /** The messages in a repeated field, one after the other. Throws `HttpProblem` where the body is malformed. */
  children(node: Node, field: ChildField): Iterable<Node>;
  /** The message in a field. Throws like `children`. */
  child(node: Node, field: ChildField): Node | undefined;
  /** Throws `EventError`. */
  decode<T>(node: Node, message: Message<T>): T;
  /** Bytes that decoding is yet to unfold. */
  encodedLength(node: Node): number;
}

export const protobuf: Encoding<Uint8Array> = {
  *children(node, { no }) {
    const reader = new BinaryReader(node);
    for (;;) {
      const child = nextIn(reader, no);
      if (child === undefined) return;
      yield child;
    }
  },
  child(node, { no }) {
    const reader = new BinaryReader(node);
    let last: Uint8Array | undefined;
    for (let child = nextIn(reader, no); child !== undefined; child = nextIn(reader, no)) last = child;
    return last;
  },
  decode(node, message) {
    try {
      return message.readBytes(node, 0);
    } catch (error) {
      if (error instanceof EventError) throw error;
      throw new EventError("invalid_event", `A message is not valid protobuf: ${messageOf(error)}`);
    }
  },
  encodedLength: (node) => node.length,
};

function nextIn(reader: BinaryReader, wanted: number): Uint8Array | undefined {
  try {
    while (reader.pos < reader.len) {
      const [no, wireType] = reader.tag();
      if (no === wanted && wireType === WireType.LengthDelimited) return reader.bytes();
      reader.skip(wireType, no);
    }
    return undefined;
  } catch (error) {
    throw malformedBody(`The body is not valid protobuf: ${messageOf(error)}`);
  }
}

export const json: Encoding<unknown> = {
  *children(node, { name }) {
    const list = membersOf(node)[name] ?? [];
    if (!Array.isArray(list)) throw malformedBody(`${name} must be an array`);
    yield* list;
  },
  child: (node, { name }) => membersOf(node)[name] ?? undefined,
  decode: (node, message) => message.parse(node, "A message", 0),
  encodedLength: () => 0,
};

/** The request's message in a body of JSON. */
export function jsonNodeOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw malformedBody(`The body cannot be read as JSON: ${messageOf(error)}`);
  }
}

function membersOf(node: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(node)) throw malformedBody("The request, its resources, scopes and metrics must be JSON objects");
  return node;
}

function malformedBody(detail: string): HttpProblem {
  return new HttpProblem({ status: 400, code: "invalid_otlp", detail });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
