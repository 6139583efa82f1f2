import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../ports.ts";
import { type DebianProgram, type FoundProgram, findProgram } from "./debian-program.ts";
import { createServerFolder } from "./server-folder.ts";

/** Debian's PgBouncer, obtained where it is not installed. */
export async function findPgbouncer(): Promise<FoundProgram> {
  return await findProgram("pgbouncer", "/usr/sbin/pgbouncer");
}

/** PgBouncer in transaction mode: a server's connection belongs to a client only for the time of a transaction. */
export async function startPgbouncer(
  { file, environment }: DebianProgram,
  databaseUrl: string,
): Promise<{ readonly url: string } & AsyncDisposable> {
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
  const child = spawn(file, [...asUser, join(folder, "pgbouncer.ini")], {
    env: { ...environment },
    stdio: ["ignore", "ignore", "pipe"],
  });
  parts.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGINT");
    await ended;
  });
  const said: string[] = [];
  for await (const line of child.stderr) {
    said.push(String(line));
    if (said.at(-1)?.includes("process up")) break;
  }
  if (child.exitCode !== null) throw new Error(`PgBouncer ended: ${said.join("")}`);
  const running = parts.move();
  return {
    url: `postgres://${username}:${password}@127.0.0.1:${port}${pathname}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
