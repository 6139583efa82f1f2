import { hash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type Files, importedAs, loadFiles } from "./load-files.ts";
import { importMapOf, pageOf } from "./page.ts";

export interface ConsoleFile {
  readonly contentType: string;
  /** Compressed by gzip. */
  readonly gzipped: Buffer;
}

/** The console's page, and the files that it asks for. */
export interface Console {
  /** Changes with any of the files, whose addresses have it in them: they can be kept for ever. */
  readonly version: string;
  readonly html: string;
  /** What `script-src` of a content security policy has to allow beside `'self'`. */
  readonly scriptHashes: readonly string[];
  file(name: string): ConsoleFile | undefined;
}

const compress = promisify(gzip);

/** Makes the console ready to be served, its files at `BASE/VERSION/NAME`. Takes a moment, and other threads. */
export async function loadConsole({ base }: { readonly base: string }): Promise<Console> {
  const files = await loadFiles();
  const version = versionOf(files);
  const addressOf = (name: string): string => `${base}/${version}/${name}`;
  const importMap = importMapOf(importedAs, addressOf);
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
    html: pageOf({ names: [...files.keys()], addressOf, importMap }),
    scriptHashes: [`'sha256-${hash("sha256", importMap, "base64")}'`],
    file: (name) => compressed.get(name),
  };
}

function versionOf(files: Files): string {
  return hash("sha256", JSON.stringify([...files]), "hex").slice(0, 16);
}
