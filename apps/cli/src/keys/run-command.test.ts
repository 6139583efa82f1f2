import { createAuthenticator } from "@millrace/access";
import { createTestDatabase } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { runCommand } from "./run-command.ts";

const expiresAt = new Date("2100-01-01T00:00:00Z");
const create = (name: string, json: boolean) =>
  ({ name: "create", key: { name, scopes: ["ingest", "read"], expiresAt }, json }) as const;

test("a key is made, listed and revoked, and each step says so", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  expect(await runCommand(db, { name: "list", json: false })).toBe("There are no keys yet.");

  const [key = "", , ...hints] = (await runCommand(db, create("collector", false))).split("\n");
  expect(hints.join("\n")).toMatch(/shown this once.\nScopes: ingest, read. Expires: 2100-01-01T00:00:00.000Z. Id: /);
  expect(await createAuthenticator({ db }).authenticate(`Bearer ${key}`)).toMatchObject({ name: "collector" });

  const prefix = key.slice(0, 12);
  const listed = await runCommand(db, { name: "list", json: false });
  expect(listed).toMatch(/^prefix +name +scopes +state/);
  expect(listed).toMatch(new RegExp(`\n${prefix}  collector  ingest,read  valid until 2100-01-01 00:00Z  `));
  expect(listed).not.toContain(key);

  const revoked = await runCommand(db, { name: "revoke", idOrPrefix: prefix, json: false });
  expect(revoked).toBe(`Revoked ${prefix}… "collector".`);
  expect(await runCommand(db, { name: "list", json: false })).toMatch(/ {2}revoked \d{4}-\d{2}-\d{2} \d{2}:\d{2}Z {2}/);
});

test("with --json each step writes one document", async () => {
  await using database = await createTestDatabase();
  const { db } = database;
  const created = JSON.parse(await runCommand(db, create("collector", true)));
  expect(created).toEqual({
    id: expect.any(String),
    key: expect.stringMatching(/^mlr_/),
    prefix: created.key.slice(0, 12),
    name: "collector",
    scopes: ["ingest", "read"],
    expiresAt: expiresAt.toISOString(),
  });
  const listed = JSON.parse(await runCommand(db, { name: "list", json: true }));
  expect(listed).toMatchObject([{ id: created.id, prefix: created.prefix, revokedAt: null }]);
  const revoked = JSON.parse(await runCommand(db, { name: "revoke", idOrPrefix: created.id, json: true }));
  expect(revoked).toMatchObject({ id: created.id, revokedAt: expect.any(String) });
});
