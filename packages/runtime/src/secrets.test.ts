import fc from "fast-check";
import { expect, test } from "vitest";
import { errorFields } from "./error-fields.ts";
import { censorOf, secretsIn } from "./secrets.ts";

/** Long enough to be told from words, and awkward in URLs and in JSON. */
const secret = fc
  .string({ unit: fc.constantFrom(..."abcXYZ019\"\\ %@/:+&='é\n".split("")), minLength: 8, maxLength: 40 })
  .filter((text) => text.trim().length >= 8 && !text.includes(","));

test("no password, secret or webhook of the environment is left in a line, however it is written there", () => {
  fc.assert(
    fc.property(secret, secret, secret, (password, webhook, signing) => {
      const env = {
        DATABASE_URL: `postgres://user:${encodeURIComponent(password)}@host:5432/db`,
        ALERT_WEBHOOKS: `slack+https://hooks.example/${encodeURIComponent(webhook)}`,
        ALERT_WEBHOOK_SECRET: signing,
      };
      const censor = censorOf(secretsIn(env, Object.keys(env)));
      for (const text of [...Object.values(env), password, encodeURIComponent(password), signing]) {
        const line = censor(JSON.stringify({ msg: `before ${text} after`, err: { message: text } }));
        for (const one of [password, signing]) {
          expect(line).not.toContain(JSON.stringify(one).slice(1, -1));
          expect(line).not.toContain(encodeURIComponent(one));
        }
        expect(line).not.toContain(`/${encodeURIComponent(webhook)}`);
        JSON.parse(line); // it is still one
      }
    }),
  );
});

test.each([
  ["redis://:s3cret@host:6379/0", "redis://[redacted]@host:6379/0"],
  ["postgres://u:p@ss@a:1,b:2/db", "postgres://[redacted]@a:1,b:2/db"],
  ["postgres://a/b?user=u&password=s3cret", "postgres://a/b?user=u&password=[redacted]"],
  ["Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]"],
  [`key mlr_${"a".repeat(43)} is`, "key [redacted] is"],
  ["http://127.0.0.1:8080/v1/events", "http://127.0.0.1:8080/v1/events"],
  ["ann@example.org wrote", "ann@example.org wrote"],
])("%s is shown as %s, whether or not the process knows it", (text, shown) => {
  expect(censorOf([])(text)).toBe(shown);
});

test("of an error a log has neither rows nor the arguments of commands, however deep they are", () => {
  const refused = Object.assign(new Error('invalid input syntax for type json: Token "s3cret" is invalid.'), {
    code: "22P02",
    detail: 'Token "s3cret" is invalid.',
    where: 'COPY telemetry_events, line 1, column data: "s3cret"',
    table: "telemetry_events",
  });
  const reply = Object.assign(new Error("WRONGPASS"), { command: { name: "auth", args: ["s3cret"] } });
  const parsing = (() => {
    try {
      return JSON.parse('{"password":s3cret}');
    } catch (error) {
      return error;
    }
  })();
  const error = new AggregateError([reply, parsing, refused], "several", { cause: refused });
  const fields = errorFields(error);
  expect(JSON.stringify(fields)).not.toContain("s3cret");
  expect(fields).toMatchObject({
    type: "AggregateError",
    message: "several",
    cause: { code: "22P02", table: "telemetry_events", message: expect.stringContaining("invalid input syntax") },
    errors: [{ message: "WRONGPASS" }, { type: "SyntaxError" }, { code: "22P02" }],
  });
});
