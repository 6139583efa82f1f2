import { access, constants, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import { isPortFree } from "@millrace/embedded";
import { type Finding, findingsOf } from "./finding.ts";

export interface MachineNeeds {
  readonly nodeVersion: string;
  readonly dataDir: string;
  readonly backupDir: string | undefined;
  readonly exportDir: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
  readonly opsHost: string;
  readonly opsPort: number | undefined;
}

/** The Node that runs this, its disks, and the ports that the apps are to listen on. */
export async function checkMachine(needs: MachineNeeds): Promise<Finding[]> {
  const { nodeVersion, dataDir, backupDir, exportDir, host, port, opsHost, opsPort } = needs;
  const folders = [
    ["data", dataDir, false],
    ["backups", backupDir, true],
    ["exports", exportDir, true],
  ] as const;
  const disks = await Promise.all(
    folders.map(async ([name, folder, isNeeded]) =>
      folder === undefined ? [] : await checkFolder(name, folder, isNeeded),
    ),
  );
  return [
    nodeFinding(nodeVersion),
    ...disks.flat(),
    ...(await checkPort("PORT", host, port ?? 8_080, port !== undefined)),
    ...(opsPort === undefined ? [] : await checkPort("OPS_PORT", opsHost, opsPort, true)),
  ];
}

function nodeFinding(version: string): Finding {
  const { ok, fail } = findingsOf("machine");
  const major = Number(/^v?(\d+)/.exec(version)?.[1]);
  if (major >= 24) return ok("Node", version);
  return fail(
    "Node",
    `${version}: it cannot run TypeScript as this needs it`,
    "npm install brings the right one; start by npm run, or use Node 24",
  );
}

/** A folder that is not there yet is made by whoever needs it, on the disk of the one above. */
async function checkFolder(name: string, folder: string, mustBeThere: boolean): Promise<Finding[]> {
  const { ok, warn, fail } = findingsOf("machine");
  const isThere = await access(folder, constants.W_OK).then(
    () => true,
    (error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? undefined : false),
  );
  if (isThere === false) {
    const mend = `chown it to the account of the apps${process.getuid === undefined ? "" : ` (this is ${process.getuid()})`}`;
    return [fail(name, `${folder} cannot be written to`, mend)];
  }
  if (isThere === undefined && mustBeThere) return [warn(name, `${folder} is not there yet`, `mkdir -p ${folder}`)];
  const { bavail, blocks, bsize } = await statfs(await nearestFolder(folder));
  const [freeBytes, share] = [bavail * bsize, bavail / blocks];
  const detail = `${(freeBytes / 1_024 ** 3).toFixed(1)} GiB free (${Math.round(share * 100)} %) for ${folder}`;
  const mend = "Make room, or set PARTITION_RETENTION_DAYS; docs/runbooks/disk-and-wraparound.md";
  if (freeBytes < 256 * 1_024 ** 2) return [fail(`disk of ${name}`, detail, mend)];
  return [
    freeBytes < 2 * 1_024 ** 3 || share < 0.05 ? warn(`disk of ${name}`, detail, mend) : ok(`disk of ${name}`, detail),
  ];
}

async function nearestFolder(folder: string): Promise<string> {
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  return isThere || dirname(folder) === folder ? folder : await nearestFolder(dirname(folder));
}

/** Taken by one of ours is as well as free. */
async function checkPort(name: string, host: string, port: number, isAsked: boolean): Promise<Finding[]> {
  const { ok, warn, fail } = findingsOf("machine");
  if (await isPortFree(port, host)) return [ok(name, `${host}:${port} is free`)];
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}/health`;
  const isOurs = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    async (response) => /"status"/.test(await response.text()),
    () => false,
  );
  if (isOurs) return [ok(name, `${host}:${port} is Millrace's`)];
  const mend = `Set ${name} to another, or end what listens there: ss -ltnp 'sport = :${port}'`;
  const detail = `${host}:${port} is taken by another program`;
  return [isAsked ? fail(name, detail, mend) : warn(name, `${detail}; npm start takes the next free one`, mend)];
}
