import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/**
 * Lets the server close as soon as the requests under way are answered. Node waits for connections on
 * which nothing was ever sent, as browsers and balancers open them in advance; here they end at once.
 */
export function endConnectionsOnClose(app: FastifyInstance): void {
  const requests = new Map<Socket, number>();
  let isClosing = false;
  const count = (socket: Socket, change: 1 | -1): void => {
    const underWay = requests.get(socket);
    if (underWay === undefined) return;
    requests.set(socket, underWay + change);
    if (isClosing && underWay + change === 0) socket.end();
  };
  app.server.on("connection", (socket: Socket) => {
    requests.set(socket, 0);
    socket.once("close", () => requests.delete(socket));
    if (isClosing) socket.destroy();
  });
  app.server.on("request", ({ socket }, response) => {
    count(socket, 1);
    response.once("close", () => count(socket, -1));
  });
  app.addHook("preClose", async () => {
    isClosing = true;
    for (const [socket, underWay] of requests) if (underWay === 0) socket.destroy();
  });
}
