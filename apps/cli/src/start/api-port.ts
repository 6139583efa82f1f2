import { isPortFree } from "@millrace/embedded";
import { ConfigError } from "@millrace/runtime";

const defaultPort = 8080;
const triedPorts = 100;

/** The port that was asked for, or else 8080 or the next one that is free. */
export async function apiPort(asked: number | undefined, host: string): Promise<number> {
  if (asked !== undefined) {
    if (await isPortFree(asked, host)) return asked;
    throw new ConfigError([`PORT: ${asked} is in use on ${host}; choose another, or none to get the next free one`]);
  }
  for (let port = defaultPort; port < defaultPort + triedPorts; port += 1) {
    if (await isPortFree(port, host)) return port;
  }
  throw new ConfigError([`PORT: none of ${defaultPort} to ${defaultPort + triedPorts - 1} is free on ${host}; set it`]);
}
