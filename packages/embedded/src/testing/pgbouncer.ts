import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../ports.ts";
import { createServerFolder } from "./server-folder.ts";

const program = "/usr/sbin/pgbouncer";
/** Whether there is one to be tried. */
export const hasPgbouncer = await access(program).then(
  () => true,
  () => false,
);

/** PgBouncer in transaction mode: a server's connection belongs to a client only for the time of a transaction. */
export async function startPgbouncer(databaseUrl: string): Promise<{ readonly url: string } & AsyncDisposable> {
  await using parts = new AsyncDisposableStack();
  const { path: folder } = parts.use(await createServerFolder());
  const { hostname, port: serverPort, username, password, pathname } = new URL(databaseUrl);
  const port = await freePort();
  await writeFile(join(folder, "users"), `"${username}" "${password}"\n`);
  await writeFile(
    join(folder, "pgbouncer.ini"),
    `[databases]
* = host=${hostname} port=${serverPort} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${join(folder, "users")}
pool_mode = transaction
default_pool_size = 5
max_client_conn = 200
`,
  );
  await chmod(join(folder, "users"), 0o644);
  const asUser = process.getuid?.() === 0 ? ["--user", "nobody"] : [];
  const child = spawn(program, [...asUser, join(folder, "pgbouncer.ini")], { stdio: ["ignore", "ignore", "pipe"] });
  parts.defer(async () => {
    const ended = once(child, "exit");
    child.kill("SIGINT");
    await ended;
  });
  for await (const line of child.stderr) if (String(line).includes("process up")) break;
  const running = parts.move();
  return {
    url: `postgres://${username}:${password}@127.0.0.1:${port}${pathname}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
