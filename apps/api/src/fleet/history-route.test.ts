import Fastify from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { expect, test } from "vitest";
import { registerHistory } from "./history-route.ts";

test("charts begin with what was in each minute: rates a second, percentiles of its durations", async () => {
  const asked: number[] = [];
  await using app = Fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  registerHistory(app, {
    wholeMinutes: async (minutes) => {
      asked.push(minutes);
      const figures = {
        events_accepted: 600,
        rows_committed: 540,
        "accept_to_commit:80": 90,
        "accept_to_commit:100": 10,
      };
      return [
        { begin: new Date("2026-11-27T10:00:00Z"), figures: {} },
        { begin: new Date("2026-11-27T10:01:00Z"), figures },
      ];
    },
  });
  const { minutes } = (await app.inject("/live/history?minutes=5")).json();
  expect(asked).toEqual([5]);
  expect(minutes[0]).toEqual({
    at: "2026-11-27T10:00:00.000Z",
    accepted: 0,
    committed: 0,
    accept_to_commit: { p50_ms: null, p99_ms: null, samples: 0 },
  });
  expect(minutes[1]).toMatchObject({ accepted: 10, committed: 9, accept_to_commit: { samples: 100 } });
  const { p50_ms, p99_ms } = minutes[1].accept_to_commit;
  // In buckets 80 and 100 of a sketch whose buckets grow by a tenth.
  expect(p99_ms / p50_ms).toBeCloseTo(1.1 ** 20, 5);
  expect((await app.inject("/live/history?minutes=0")).statusCode).toBe(400);
});
