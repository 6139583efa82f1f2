import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { migrateUp } from "./migrate.ts";
import { connectOnlooker, createEmptyDatabase, createMigrationFolder, runnerIsGone } from "./testing/world.ts";

test("a connection through a pooler is refused before anything is changed", async () => {
  await using database = await createEmptyDatabase();
  await using folder = await createMigrationFolder();
  await using onlooker = await connectOnlooker(database.url);
  await using pooler = await startPooler(database.url);
  await folder.add("0001_table", "CREATE TABLE t (a int)");
  await expect(migrateUp({ url: pooler.url, directory: folder.directory })).rejects.toMatchObject({
    code: "POOLED_CONNECTION",
    message: expect.stringContaining("DATABASE_URL"),
  });
  expect(await onlooker.rows("SELECT to_regclass('schema_migrations') AS ledger")).toEqual([{ ledger: null }]);
  await onlooker.until(runnerIsGone);
});

/** Like a pooler, it tells its clients a process number of its own. */
async function startPooler(url: string): Promise<{ url: string } & AsyncDisposable> {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    sockets.push(client, upstream);
    client.pipe(upstream);
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
    upstream.on("end", () => client.end());
    upstream.on("data", (bytes) => client.write(withOtherProcessNumber(bytes)));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  // A TCP server that listens has an address of this kind.
  const address = server.address() as AddressInfo;
  const pooled = new URL(url);
  pooled.port = String(address.port);
  return {
    url: pooled.href,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** BackendKeyData: "K", its length, the process number, a secret. */
function withOtherProcessNumber(bytes: Buffer): Buffer {
  const at = bytes.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
  if (at >= 0) bytes.writeInt32BE(bytes.readInt32BE(at + 5) ^ 1, at + 5);
  return bytes;
}
