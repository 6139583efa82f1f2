import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** The repository's folder. */
export const root = join(import.meta.dirname, "../..");

/** What of a service our tests look at. */
export interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart: string;
  readonly stop_grace_period?: string;
  readonly container_name?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly profiles?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
}

/** docker-compose.yml as compose sees it with these variables. Throws as compose does when a required one is missing. */
export function readComposeFile(variables: Readonly<Record<string, string>>): ComposeFile {
  const text = readFileSync(join(root, "docker-compose.yml"), "utf8");
  const interpolated = (_key: unknown, value: unknown): unknown =>
    typeof value === "string" ? interpolate(value, variables) : value;
  return parse(text, interpolated, { merge: true }) as ComposeFile; // a test holds it to the schema
}

export function serviceOf(file: ComposeFile, name: string): Service {
  const service = file.services[name];
  if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return service;
}

function interpolate(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_whole, name: string, kind?: string, rest = "") => {
    const value = variables[name];
    if (value) return value;
    if (kind === "?") throw new Error(`${name} is missing a value: ${rest}`);
    return kind === "-" ? rest : "";
  });
}
