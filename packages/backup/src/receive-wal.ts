import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Tools } from "./tools.ts";

export interface ReceiveWalOptions {
  readonly tools: Tools;
  readonly url: string;
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** Keeps the log for times when nobody receives it; it takes disk there until it is received. */
const slot = "millrace_backup";

/** Receives the log into the archive until the signal is aborted, so that any moment since can be restored to. */
export async function receiveWal({ tools, url, directory, signal, onLine }: ReceiveWalOptions): Promise<void> {
  const archive = join(directory, "wal");
  await mkdir(archive, { recursive: true, mode: 0o700 });
  const common = ["--directory", archive, "--dbname", url, "--slot", slot, "--no-password"];
  await tools.run("pg_receivewal", [...common, "--create-slot", "--if-not-exists"], { signal });
  await tools.run("pg_receivewal", [...common, "--verbose"], { signal, onLine }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
