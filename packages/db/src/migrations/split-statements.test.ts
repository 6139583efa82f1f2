import fc from "fast-check";
import { expect, test } from "vitest";
import { splitStatements } from "./split-statements.ts";
import { connectOnlooker, createEmptyDatabase } from "./testing/world.ts";

const anything = fc.string({
  unit: fc.constantFrom("a", "E", "1", " ", "\n", ";", "'", '"', "$", "\\", "/", "*", "-", "(", ")"),
});
const quotedWith = (quote: string) => anything.map((text) => quote + text.replaceAll(quote, quote + quote) + quote);
const nested: fc.Arbitrary<string> = fc
  .letrec((tie) => ({
    comment: fc
      .tuple(
        anything.map((text) => text.replace(/[*/]/g, "")),
        fc.option(tie("comment"), { nil: "", maxDepth: 3 }),
      )
      .map(([text, inner]) => `/* ${text} ${String(inner)} ; */`),
  }))
  .comment.map(String);
const comment = fc.oneof(
  nested,
  anything.map((text) => `--${text.replaceAll("\n", "")};\n`),
);

/** Pieces that hold semicolons which end nothing. Each ends where nothing can run into the next one. */
const piece = fc.oneof(
  fc.constantFrom("SELECT", "x", "a$b$c", "1.5", "$1", "+", ",", "'it''s'", "U&'\\0041'", "(SELECT 1; SELECT 2)"),
  quotedWith("'"),
  quotedWith('"'),
  anything.map((text) => `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`),
  fc.tuple(anything, fc.constantFrom("$$", "$b$", "$_é1$")).map(([text, tag]) => tag + text.replaceAll("$", "") + tag),
);
const body = fc
  .array(fc.oneof(piece, comment), { maxLength: 6 })
  .map((parts) => ["SELECT", ...parts, "end_of_it"].join(" "));

test("statements are found again whatever they hold", () => {
  fc.assert(
    fc.property(fc.array(body), fc.array(comment, { maxLength: 3 }), (bodies, comments) => {
      const sql = bodies.map((text) => `${comments.join("\n")}\n${text}\n`).join(";");
      expect(splitStatements(sql).map(({ text }) => text)).toEqual(bodies);
    }),
  );
});

test("blanks and comments alone are no statement", () => {
  fc.assert(fc.property(fc.array(comment), (comments) => splitStatements(comments.join(";\n;")).length === 0));
});

test("the code of a statement is the statement without its comments", () => {
  const [statement] = splitStatements("/* a; */ CREATE /* b /* c */ */ INDEX -- d\n i; -- e");
  expect(statement).toEqual({ text: "CREATE /* b /* c */ */ INDEX -- d\n i", code: "CREATE   INDEX  \n i", line: 1 });
});

test("a statement knows its line", () => {
  expect(splitStatements("\n-- first\nSELECT 1;\n\n\nSELECT\n2").map(({ line }) => line)).toEqual([3, 6]);
});

test("function bodies of the standard's kind stay whole", () => {
  const bodied = `CREATE OR REPLACE FUNCTION f(x int) RETURNS int LANGUAGE sql BEGIN ATOMIC
    SELECT CASE WHEN x > 1 THEN 2 ELSE 3 END; SELECT 4; END`;
  expect(splitStatements(`${bodied}; SELECT 1`).map(({ text }) => text)).toEqual([bodied, "SELECT 1"]);
});

test.each(["SELECT 'a", 'SELECT "a', "SELECT $x$ a $y$", "/* /* */", "SELECT E'\\'"])(
  "%s is refused as never closed",
  (sql) => {
    expect(() => splitStatements(`SELECT 1;\n${sql}`)).toThrow(/line 2: .*never closed/);
  },
);

test("PostgreSQL reads the same strings out of the statements as went in", async () => {
  await using database = await createEmptyDatabase();
  await using onlooker = await connectOnlooker(database.url);
  const spoken = anything.chain((text) =>
    fc.constantFrom(
      [text, `SELECT '${text.replaceAll("'", "''")}' AS said`],
      [text, `SELECT E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}' AS said`],
      [text, `SELECT $q$${text}$q$ AS said`],
    ),
  );
  const property = fc.asyncProperty(fc.array(spoken, { maxLength: 4 }), async (pairs) => {
    const statements = splitStatements(pairs.map(([, sql]) => sql).join("; -- ;'\n"));
    for (const [index, [said]] of pairs.entries()) {
      expect(await onlooker.rows(statements[index]?.text ?? "")).toEqual([{ said }]);
    }
    expect(statements).toHaveLength(pairs.length);
  });
  await fc.assert(property);
});
