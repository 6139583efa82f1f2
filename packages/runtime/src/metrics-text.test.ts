import { Counter, Gauge, Registry } from "prom-client";
import { expect, test } from "vitest";
import { metricsText } from "./metrics-text.ts";

function someRegistry(): Registry {
  const registry = new Registry();
  new Counter({ name: "eggs_total", help: "Eggs", labelNames: ["hen"], registers: [registry] }).inc(
    { hen: "a_total b" },
    3,
  );
  new Gauge({ name: "hens", help: "Hens that are not eggs_total", registers: [registry] }).set(2);
  return registry;
}

test.each([
  ["application/openmetrics-text; version=1.0.0", true],
  [
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;q=0.2",
    true,
  ],
  ["text/plain, application/openmetrics-text", false],
  ["text/plain;q=0.9, application/openmetrics-text;q=0.3", false],
  ["application/openmetrics-text;q=0, text/plain", false],
  ["*/*", false],
  [undefined, false],
])("for Accept: %s it is OpenMetrics: %s", async (accept, isOpenMetrics) => {
  const { contentType } = await metricsText(someRegistry(), accept);
  expect(contentType.startsWith("application/openmetrics-text; version=1.0.0")).toBe(isOpenMetrics);
});

test("both formats have the same samples, one after the other, as each wants them", async () => {
  const registry = someRegistry();
  const plain = '# HELP eggs_total Eggs\n# TYPE eggs_total counter\neggs_total{hen="a_total b"} 3\n\n';
  const hens = "# HELP hens Hens that are not eggs_total\n# TYPE hens gauge\nhens 2\n";
  for (let turn = 0; turn < 2; turn += 1) {
    expect((await metricsText(registry, "application/openmetrics-text")).text).toBe(
      `# HELP eggs Eggs\n# TYPE eggs counter\neggs_total{hen="a_total b"} 3\n${hens}# EOF\n`,
    );
    expect((await metricsText(registry, "text/plain")).text).toBe(plain + hens);
  }
});
