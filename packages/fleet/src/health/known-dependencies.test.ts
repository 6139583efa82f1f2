import { connectPostgres } from "@millrace/db";
import { createTestDatabase, createTestRedis } from "@millrace/embedded/testing";
import { connectQueues } from "@millrace/jobs";
import { expect, test } from "vitest";
import { postgresDependency, queueDependency, replicaStates } from "./known-dependencies.ts";

test("a pool that is used up is told apart from a PostgreSQL that is away", async () => {
  await using database = await createTestDatabase();
  await using db = await connectPostgres({
    url: database.url,
    applicationName: "test",
    maxConnections: 1,
    minConnections: 0,
    connectTimeoutMs: 50,
  });
  using postgres = postgresDependency(db);
  expect(await postgres.ask()).toEqual({ version: expect.stringMatching(/^\d+\.\d+/) });
  await db.withConnection(async () => {
    expect(await postgres.ask()).toMatchObject({
      isDegraded: true,
      detail: expect.stringContaining("all 1 connections"),
    });
  });
  expect(await postgres.ask()).toEqual({ version: expect.any(String) });
});

test("a queue's Redis that may lose what was accepted is degraded, and says what to set", async () => {
  await using redis = await createTestRedis();
  await using queues = await connectQueues({ ...redis, onError: () => {} });
  const { settings } = await queues.inspect();
  const safe = queueDependency({ inspect: async () => ({ settings, dangers: [] }) });
  expect(await safe.ask()).toEqual({ version: expect.stringMatching(/^\d+\.\d+/) });
  const dangers = ["it keeps no file: set appendonly yes", "it evicts: set noeviction"];
  const risky = queueDependency({ inspect: async () => ({ settings, dangers }) });
  expect(await risky.ask()).toMatchObject({ isDegraded: true, detail: dangers.join("; ") });
});

test("a standby that is left out is degraded, for the reason that it is left out", () => {
  const used = { address: "a:5432", isUsed: true, lagMs: 12.4, reason: undefined };
  const left = { address: "b:5432", isUsed: false, lagMs: undefined, reason: "it does not answer: refused" };
  expect(replicaStates([used, left])).toMatchObject([
    { name: "replica a:5432", status: "ok", detail: "at most 12 ms behind" },
    { name: "replica b:5432", status: "degraded", detail: "it is not read from: it does not answer: refused" },
  ]);
});
