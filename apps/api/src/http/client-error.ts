import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";

/** What Node's parser says of bytes that are no request it takes. */
interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

const refusals: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: "request_timeout",
    detail: "The request did not arrive whole in time; send it again",
  },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: "headers_too_large",
    detail: "The request's line and headers are larger than 16 KB; send fewer or shorter ones",
  },
};
const malformed: Refusal = {
  status: 400,
  code: "malformed_request",
  detail: "What was sent is not a request of HTTP/1.1",
};

/** Says what is wrong with bytes that never became a request, and ends the connection, whose next bytes mean nothing. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  const { status, code, detail } = refusals[error.code ?? ""] ?? malformed;
  const title = STATUS_CODES[status] ?? "";
  const body = JSON.stringify({ type: `/problems/${code}`, title, status, detail });
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${status} ${title}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
  socket.destroy(error);
}
