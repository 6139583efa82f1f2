import { type FileHandle, open, rename } from "node:fs/promises";

export interface ServerLog extends AsyncDisposable {
  /** Handed to the server as its standard output and error, which it can then use longer than we live. */
  readonly fd: number;
  /** The last lines of it. */
  readonly tail: () => Promise<string>;
}

/** Opens a log file for one run of a server; that of the run before is kept as `<file>.1`. */
export async function openServerLog(file: string): Promise<ServerLog> {
  await rename(file, `${file}.1`).catch(() => {}); // there was none
  const handle = await open(file, "a+", 0o600);
  return {
    fd: handle.fd,
    tail: () => tailOf(handle),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function tailOf(handle: FileHandle): Promise<string> {
  const { size } = await handle.stat();
  const length = Math.min(size, 4096);
  const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.toString("utf8").split("\n").slice(-15).join("\n");
}
