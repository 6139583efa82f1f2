import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/**
 * Lets the server close as soon as the requests under way are answered. Node waits for connections on
 * which nothing was ever sent, as browsers and balancers open them in advance; here they end at once.
 */
export function endConnectionsOnClose(app: FastifyInstance): void {
  /** By connection, the answer to the last request on it. */
  const answers = new Map<Socket, ServerResponse | undefined>();
  let isClosing = false;
  const endAfter = (socket: Socket, answer: ServerResponse | undefined): void => {
    if (answer === undefined || answer.closed) socket.destroy();
    else answer.once("close", () => socket.end());
  };
  app.server.on("connection", (socket: Socket) => {
    answers.set(socket, undefined);
    socket.once("close", () => answers.delete(socket));
    if (isClosing) socket.destroy();
  });
  app.server.on("request", ({ socket }, answer) => {
    answers.set(socket, answer);
    if (isClosing) endAfter(socket, answer);
  });
  app.addHook("preClose", async () => {
    isClosing = true;
    for (const [socket, answer] of answers) endAfter(socket, answer);
  });
}
