import { expect, test } from "vitest";
import { newMigration } from "./new-migration.ts";
import { connectOnlooker, createEmptyDatabase, createMigrationFolder } from "./testing/world.ts";
import { verifyMigrations } from "./verify-migrations.ts";

const everything = `
  CREATE TYPE mood AS ENUM ('calm', 'hurried');
  CREATE DOMAIN positive AS int CHECK (VALUE > 0);
  CREATE TABLE parent (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL, mood mood DEFAULT 'calm',
    size positive, twice int GENERATED ALWAYS AS (id * 2) STORED, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
  CREATE TABLE child PARTITION OF parent FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z') WITH (fillfactor = 80);
  CREATE INDEX parent_mood ON parent (mood) WHERE size > 1;
  COMMENT ON COLUMN parent.mood IS 'how it feels';
  CREATE FUNCTION now_utc() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at := now(); RETURN NEW; END $$;
  CREATE TRIGGER stamp BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION now_utc();
  CREATE VIEW calm AS SELECT id FROM parent WHERE mood = 'calm';
  CREATE STATISTICS parent_stats ON mood, size FROM parent;
  GRANT SELECT ON parent TO PUBLIC;`;
const nothing = `DROP VIEW calm; DROP TABLE parent; DROP FUNCTION now_utc; DROP DOMAIN positive; DROP TYPE mood;`;

test("verify passes what takes itself back, and leaves no database and nothing in the one given", async () => {
  await using database = await createEmptyDatabase();
  await using folder = await createMigrationFolder();
  await using onlooker = await connectOnlooker(database.url);
  await folder.add("0001_everything", everything, nothing);
  await folder.add(
    "0002_index",
    "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY child_at ON child (at)",
    "DROP INDEX child_at",
  );
  const verified = await verifyMigrations({ url: database.url, directory: folder.directory });
  expect(verified).toEqual({ verified: ["0001_everything", "0002_index"] });
  expect(
    await onlooker.rows("SELECT to_regclass('parent') AS parent, to_regclass('schema_migrations') AS ledger"),
  ).toEqual([{ parent: null, ledger: null }]);
});

/** Each is a change and a way back that forgets something, and what verify has to say of it. */
test.each([
  ["CREATE TABLE a (x int); CREATE TABLE b (y int)", "DROP TABLE a", /\+ table public\.b/],
  ["CREATE INDEX child_at ON child (at)", "", /\+ index public\.child_at: CREATE INDEX/],
  [
    "ALTER TABLE child SET (fillfactor = 70)",
    "",
    /- table public\.child.*fillfactor=80(.|\n)*\+ table public\.child.*fillfactor=70/,
  ],
  ["ALTER TABLE parent ALTER mood SET DEFAULT 'hurried'", "", /- column public\.parent\.mood.*calm/],
  ["ALTER TABLE parent ALTER mood DROP DEFAULT", "", /- column public\.parent\.mood/],
  ["ALTER TABLE child ALTER mood SET STORAGE PLAIN, ALTER size SET (n_distinct = 5)", "", /n_distinct=5/],
  ["COMMENT ON COLUMN parent.mood IS 'else'", "", /- comment table column public\.parent\.mood: how it feels/],
  ["ALTER TABLE parent ADD CONSTRAINT sane CHECK (size < 9)", "", /\+ constraint public\.parent\.sane: CHECK/],
  ["ALTER TYPE mood ADD VALUE 'cross'", "", /\+ enum public\.mood: 'calm', 'hurried', 'cross'/],
  ["DROP TRIGGER stamp ON parent", "", /- trigger public\.parent\.stamp/],
  ["CREATE OR REPLACE VIEW calm AS SELECT id FROM parent", "", /[-+] view public\.calm/],
  ["CREATE SEQUENCE s", "", /\+ sequence public\.s: bigint start 1/],
  ["ALTER TABLE parent DETACH PARTITION child", "", /- table public\.child: .*child of public\.parent/],
  ["REVOKE SELECT ON parent FROM PUBLIC", "", /[-+] partitioned table public\.parent.*privileges/],
  ["CREATE EXTENSION pgcrypto", "", /\+ extension pgcrypto/],
  ["CREATE SCHEMA extra", "", /\+ schema extra/],
  ["DROP FUNCTION now_utc CASCADE", "", /- function public\.now_utc\(\)/],
  ["DROP STATISTICS parent_stats", "", /- statistics public\.parent_stats/],
])("verify tells what is forgotten on the way back from %s", async (up, down, message) => {
  await using database = await createEmptyDatabase();
  await using folder = await createMigrationFolder();
  await folder.add("0001_everything", everything, nothing);
  await folder.add("0002_change", up, down);
  await expect(verifyMigrations({ url: database.url, directory: folder.directory })).rejects.toMatchObject({
    code: "CATALOGUE_DIFFERS",
    message: expect.stringMatching(new RegExp(`^0002_change.down.sql does not take back(.|\\n)*${message.source}`)),
  });
});

test("new writes a pair with the next number that verifies as it is", async () => {
  await using database = await createEmptyDatabase();
  await using folder = await createMigrationFolder();
  await newMigration({ directory: folder.directory, name: "First thing!" });
  const { up } = await newMigration({ directory: folder.directory, name: "Übersicht 2", outsideTransaction: true });
  expect(up).toMatch(/0002_bersicht_2\.up\.sql$/);
  const { verified } = await verifyMigrations({ url: database.url, directory: folder.directory });
  expect(verified).toEqual(["0001_first_thing", "0002_bersicht_2"]);
  await expect(newMigration({ directory: folder.directory, name: "…" })).rejects.toMatchObject({ code: "BAD_NAME" });
});
