import { hash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type Files, loadFiles } from "./load-files.ts";
import { pageOf } from "./page.ts";

export interface ConsoleFile {
  readonly contentType: string;
  /** Compressed by gzip. */
  readonly gzipped: Buffer;
}

/** The console's page, and the files that it asks for. */
export interface Console {
  /** Changes with any of the files, whose addresses have it in them: they can be kept for ever. */
  readonly version: string;
  /** Has no script or style of its own, so that a content security policy needs to allow none. */
  readonly html: string;
  file(name: string): ConsoleFile | undefined;
}

const compress = promisify(gzip);

/** Makes the console ready to be served, its files at `BASE/VERSION/NAME`. Takes a moment, in other threads. */
export async function loadConsole({ base }: { readonly base: string }): Promise<Console> {
  const files = await loadFiles();
  const version = versionOf(files);
  const compressed = new Map(
    await Promise.all(
      [...files].map(async ([name, text]): Promise<[string, ConsoleFile]> => {
        const contentType = name.endsWith(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8";
        return [name, { contentType, gzipped: await compress(text) }];
      }),
    ),
  );
  return {
    version,
    html: pageOf([...files.keys()], (name) => `${base}/${version}/${name}`),
    file: (name) => compressed.get(name),
  };
}

function versionOf(files: Files): string {
  return hash("sha256", JSON.stringify([...files]), "hex").slice(0, 16);
}
