import { access, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { downloadPackage, lastLineOf, unpackedPackage } from "../debian-package.ts";
import { loadTestConfig } from "./config.ts";

/** What was downloaded is kept for the next run. */
export const cacheDir = fileURLToPath(new URL("../../../../.millrace/cache", import.meta.url));

export interface DebianProgram {
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** A program that a test needs, or why it cannot be had, which is then why the test is skipped. */
export type FoundProgram =
  | { readonly program: DebianProgram; readonly missing?: never }
  | { readonly program?: never; readonly missing: string };

/** The system's own program (`/usr/sbin/…`), else that of the distribution's package, unpacked into our cache. */
export async function findProgram(packageName: string, path: `/usr/${string}`): Promise<FoundProgram> {
  const { searchPath } = loadTestConfig(process.env);
  if (await exists(path)) return { program: { file: path, environment: { PATH: searchPath } } };
  const target = join(cacheDir, packageName);
  const kept = await unpackedPackage(target, searchPath);
  const programOf = ({ root, environment }: typeof kept): FoundProgram => ({
    program: { file: join(root, path), environment },
  });
  if (await exists(join(target, path))) return programOf(kept);
  try {
    await mkdir(dirname(target), { recursive: true });
    const unpacked = await downloadPackage({ names: [packageName], target, searchPath });
    return unpacked === undefined ? { missing: `${packageName} is not here, and neither is apt` } : programOf(unpacked);
  } catch (error) {
    return { missing: `${packageName} could not be obtained: ${lastLineOf(error)}` };
  }
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
