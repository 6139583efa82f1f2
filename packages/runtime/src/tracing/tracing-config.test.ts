import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { readEnvironment } from "../config.ts";
import { tracingOf, tracingVariables } from "./tracing-config.ts";

const read = (env: Readonly<Record<string, string>>) =>
  tracingOf(readEnvironment(env, tracingVariables), "millrace-test");
const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a:4318/" };

test.each([
  {},
  { OTEL_TRACES_EXPORTER: "none", ...endpoint },
  { OTEL_SDK_DISABLED: "TRUE", ...endpoint },
  { OTEL_SERVICE_NAME: "x", OTEL_TRACES_SAMPLER: "always_on" },
])("with %j there are no traces", (env) => expect(read(env)).toBeUndefined());

test("an endpoint is enough, and what is said of traces comes before what is said of all", () => {
  expect(read(endpoint)).toEqual({
    serviceName: "millrace-test",
    resourceAttributes: {},
    sampler: { kind: "parentbased_always_on", ratio: 1 },
    exporter: { kind: "otlp", url: "http://a:4318/v1/traces", headers: {}, timeoutMs: 3_000 },
    isPropagated: true,
  });
  expect(
    read({
      ...endpoint,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://b/custom",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20a%3D, x-team = blue",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=other,k8s.pod.name=p-1",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
      OTEL_PROPAGATORS: "b3",
    }),
  ).toEqual({
    serviceName: "other",
    resourceAttributes: { "k8s.pod.name": "p-1" },
    sampler: { kind: "traceidratio", ratio: 0.25 },
    exporter: {
      kind: "otlp",
      url: "https://b/custom",
      headers: { authorization: "Bearer a=", "x-team": "blue" },
      timeoutMs: 3_000,
    },
    isPropagated: false,
  });
  expect(read({ OTEL_TRACES_EXPORTER: "otlp" })?.exporter).toMatchObject({ url: "http://localhost:4318/v1/traces" });
  expect(read({ OTEL_TRACES_EXPORTER: "console", OTEL_SERVICE_NAME: "named" })).toMatchObject({
    serviceName: "named",
    exporter: { kind: "console" },
  });
});

test.each([
  [{ OTEL_TRACES_EXPORTER: "jaeger" }, "write otlp, console or none"],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "only http/protobuf is spoken"],
  [{ OTEL_TRACES_SAMPLER_ARG: "2" }, "write a share between 0 and 1"],
  [{ OTEL_EXPORTER_OTLP_HEADERS: "nothing" }, "write name=value"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" }, "write a URL such as"],
])("%j is refused with what to write", (env, words) => expect(() => read(env)).toThrow(words));

test("OpenTelemetry's SDK is loaded once there are traces to be made, and not before", async () => {
  const index = fileURLToPath(new URL("../index.ts", import.meta.url));
  const script = `
    import { createRequire } from "node:module";
    const loaded = () => Object.keys(createRequire(${JSON.stringify(index)}).cache).filter((path) => path.includes("@opentelemetry/sdk-trace")).length > 0;
    const { createLogger, startTracing } = await import(${JSON.stringify(index)});
    const before = loaded();
    await startTracing({ serviceName: "x", resourceAttributes: {}, sampler: { kind: "always_on", ratio: 1 }, exporter: { kind: "console" }, isPropagated: true }, createLogger({ name: "x", level: "silent" }));
    process.stdout.write(JSON.stringify([before, loaded()]));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  expect(JSON.parse(stdout)).toEqual([false, true]);
});
