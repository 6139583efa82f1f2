import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline as pipe, Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdCompress, createZstdDecompress } from "node:zlib";
import type { Db } from "../db.ts";
import { identifier } from "../identifier.ts";
import { statement } from "../statement.ts";

/** Beside the rows: what is in them, and how to know that they are whole. */
interface ExportManifest {
  readonly table: string;
  readonly partition: string;
  readonly rows: number;
  /** Of the compressed file. */
  readonly sha256: string;
  readonly exportedAt: string;
}

/** An export is not what its manifest says, or has none. */
export class ExportDamagedError extends Error {
  constructor(file: string, why: string) {
    super(`${file} ${why}`);
    this.name = "ExportDamagedError";
  }
}

/** Another process exports the same partition: of two at once neither would know whose file it is. */
export class ExportUnderWayError extends Error {
  constructor(partition: string) {
    super(`Another process is exporting ${partition}`);
    this.name = "ExportUnderWayError";
  }
}

export interface ExportOptions {
  readonly table: string;
  readonly partition: string;
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
}

const batchRows = 2_000;
const longReadMs = 24 * 3_600_000;

const lockExport = statement<[key: string], { locked: boolean }>(
  "partitions.lock_export",
  "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS locked",
);

export interface Exported {
  readonly file: string;
  readonly sha256: string;
  readonly rows: number;
}

/**
 * Writes a partition as compressed NDJSON (`PARTITION.ndjson.zst`, one row an object) with a manifest beside it
 * (`….json`). Both are flushed and get their names when they are whole, so that a file that is there is complete; it is
 * read back before it counts as written. Rejects with an `ExportUnderWayError` when another process is at it.
 */
export async function exportPartition(db: Db, options: ExportOptions): Promise<Exported> {
  return await db.transaction(async (tx) => {
    const [lock] = await tx.rows(lockExport, [`millrace:export:${options.partition}`]);
    if (lock?.locked !== true) throw new ExportUnderWayError(options.partition);
    return await writeExport(tx, options);
  });
}

async function writeExport(db: Db, { table, partition, directory, signal }: ExportOptions): Promise<Exported> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, `${partition}.ndjson.zst`);
  const unfinished = `${file}.unfinished`;
  const select = statement<[], { line: string }>(
    "partitions.export",
    `SELECT row_to_json(rows)::text AS line FROM ${identifier(partition)} AS rows`,
  );
  let rows = 0;
  async function* lines(): AsyncGenerator<string> {
    const options = { timeoutMs: longReadMs, ...(signal && { signal }) };
    for await (const batch of db.batches(select, [], batchRows, options)) {
      rows += batch.length;
      yield batch.map(({ line }) => `${line}\n`).join("");
    }
  }
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    const target = createWriteStream(unfinished, { flush: true });
    await pipeline(
      Readable.from(lines()),
      createZstdCompress(),
      hashing,
      target,
      signal === undefined ? {} : { signal },
    );
    const sha256 = hash.digest("hex");
    const manifest: ExportManifest = { table, partition, rows, sha256, exportedAt: new Date().toISOString() };
    await writeFile(`${manifestOf(file)}.unfinished`, JSON.stringify(manifest, undefined, 2), { flush: true });
    await rename(unfinished, file);
    await rename(`${manifestOf(file)}.unfinished`, manifestOf(file));
    await flushFolder(dirname(file));
    if ((await hashOf(file)) !== sha256) throw new ExportDamagedError(file, "is not what was written to it");
    return { file, sha256, rows };
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Reads what `exportPartition` wrote, some lines at a time, after proving that it is whole. */
export async function readExport(
  file: string,
): Promise<{ readonly manifest: ExportManifest; readonly batches: AsyncIterable<readonly string[]> }> {
  const manifest = await readManifest(file);
  if ((await hashOf(file)) !== manifest.sha256)
    throw new ExportDamagedError(file, "is not what was exported: its checksum differs");
  async function* batches(): AsyncGenerator<readonly string[]> {
    const text = new TextDecoder();
    let rest = "";
    // Not Node's readline, for which U+2028 ends a line as well.
    // An error of the file ends the iteration, which is where it is told.
    for await (const chunk of pipe(createReadStream(file), createZstdDecompress(), () => {})) {
      const lines = (rest + text.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (lines.length > 0) yield lines;
    }
  }
  return { manifest, batches: batches() };
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest("hex");
}

async function readManifest(file: string): Promise<ExportManifest> {
  try {
    // Written by this module.
    return JSON.parse(await readFile(manifestOf(file), "utf8")) as ExportManifest;
  } catch (cause) {
    throw new ExportDamagedError(file, `has no readable manifest ${basename(manifestOf(file))} beside it: ${cause}`);
  }
}

function manifestOf(file: string): string {
  return file.replace(/\.ndjson\.zst$/, ".json");
}

/** Without this the names themselves may be lost with the power. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
