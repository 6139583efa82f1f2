/** How deep causes are followed. */
const maxDepth = 4;

/** What errors of Node, PostgreSQL and Redis say that is not what somebody sent: not rows, not arguments of commands. */
const shown = [
  "code",
  "errno",
  "syscall",
  "address",
  "port",
  "severity",
  "schema",
  "table",
  "column",
  "dataType",
  "constraint",
  "routine",
  "status",
  "statusCode",
] as const;

/** The fields of an error that a log may have. */
export function errorFields(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === "string" ? error : { type: typeof error };
  const message = messageOf(error);
  const facts = Object.fromEntries(
    shown.flatMap((name) => {
      const value: unknown = Reflect.get(error, name);
      return typeof value === "string" || typeof value === "number" ? [[name, value]] : [];
    }),
  );
  return {
    type: error.constructor.name,
    message,
    stack: placesIn(error.stack),
    ...facts,
    ...(error.cause !== undefined && depth < maxDepth && { cause: errorFields(error.cause, depth + 1) }),
    ...(error instanceof AggregateError &&
      depth < maxDepth && { errors: error.errors.slice(0, 8).map((one) => errorFields(one, depth + 1)) }),
  };
}

/** PostgreSQL (class 22 and 23) and parsers of JSON quote what they were given. */
function messageOf(error: Error): string {
  const code: unknown = Reflect.get(error, "code");
  const isAboutData = error instanceof SyntaxError || (typeof code === "string" && /^2[23]...$/.test(code));
  return isAboutData ? error.message.replace(/(["'`]).*\1|: .*$/gs, "…") : error.message;
}

/** Without the message, which is beside it. */
function placesIn(stack = ""): string {
  const at = stack.search(/^ +at /m);
  return at < 0 ? "" : stack.slice(at).trimEnd();
}
