const names: Readonly<Record<string, string>> = {
  trace: "TRACE",
  finest: "TRACE",
  debug: "DEBUG",
  dbg: "DEBUG",
  info: "INFO",
  inf: "INFO",
  information: "INFO",
  notice: "INFO",
  warn: "WARN",
  wrn: "WARN",
  warning: "WARN",
  err: "ERROR",
  error: "ERROR",
  severe: "ERROR",
  fatal: "FATAL",
  ftl: "FATAL",
  crit: "FATAL",
  critical: "FATAL",
  alert: "FATAL",
  emerg: "FATAL",
  panic: "FATAL",
};

/** How pino and bunyan write levels. */
const numbers: Readonly<Record<string, string>> = {
  10: "TRACE",
  20: "DEBUG",
  30: "INFO",
  40: "WARN",
  50: "ERROR",
  60: "FATAL",
};

/** One of OpenTelemetry's six names of a severity, or `undefined` if the value is none of the usual words for one. */
export function severityOf(value: unknown): string | undefined {
  if (typeof value === "number") return numbers[value];
  if (typeof value !== "string") return undefined;
  const word = value.trim().toLowerCase();
  return Object.hasOwn(names, word) ? names[word] : undefined;
}

const words = Object.keys(names).join("|");
const asWord = new RegExp(`(?<![\\w./-])(?:${words.toUpperCase()})(?![\\w./-])`);
const inBrackets = new RegExp(
  `[[<](?:\\w+:)?(?<word>${words})[\\]>]|\\b(?:level|severity|lvl)=["']?(?<value>${words})\\b`,
  "i",
);

/** The severity that a line of text shows: a word in capitals, or in brackets, or after `level=`. */
export function severityInText(text: string): string | undefined {
  const found = inBrackets.exec(text)?.groups;
  return severityOf(found?.["word"] ?? found?.["value"] ?? asWord.exec(text)?.[0]);
}
