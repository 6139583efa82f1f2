import { expect, test } from "vitest";
import { losesData } from "./data-loss.ts";
import { splitStatements } from "./split-statements.ts";

const isLosing = (sql: string): boolean => splitStatements(sql).some(losesData);

test.each([
  "DROP TABLE t",
  "drop /* the */ table if exists t",
  "ALTER TABLE t DROP COLUMN b",
  "ALTER TABLE t\n  ADD c int,\n  DROP b",
  "ALTER TABLE t DROP IF EXISTS b",
  "TRUNCATE t",
  "DELETE FROM t WHERE a = 1",
  "DROP SCHEMA s",
  "DROP EXTENSION x CASCADE",
  "DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$",
])("%s loses data", (sql) => expect(isLosing(sql)).toBe(true));

test.each([
  "DROP INDEX CONCURRENTLY t_a",
  "ALTER TABLE t DROP CONSTRAINT c",
  "ALTER TABLE t ALTER b DROP NOT NULL, ALTER b DROP DEFAULT",
  "ALTER TABLE t ALTER b DROP EXPRESSION",
  "DROP VIEW v",
  "CREATE TABLE t (a int REFERENCES u ON DELETE CASCADE) -- not DROP TABLE",
])("%s loses none", (sql) => expect(isLosing(sql)).toBe(false));
