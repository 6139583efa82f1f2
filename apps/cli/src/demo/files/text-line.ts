import { dataOfFields, roleOf } from "./fields.ts";
import { severityInText, severityOf } from "./severity.ts";
import { type FoundTime, findTime, type Micros, timeOfValue } from "./timestamps.ts";

export interface ReadLine {
  readonly micros?: Micros;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What one line of a log says: a JSON object, or text with a timestamp and perhaps a severity, a program and its pid. */
export function readLine(text: string, latest: Micros): ReadLine {
  return (text.startsWith("{") ? jsonLine(text, latest) : undefined) ?? plainLine(text, latest);
}

function jsonLine(text: string, latest: Micros): ReadLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // it only looked like JSON
  }
  if (typeof value !== "object" || value === null) return undefined;
  const entries = Object.entries(value);
  const times = entries.flatMap(([name, field]) => {
    const found = roleOf(name) === "time" ? timeOfValue(field, latest) : undefined;
    return found === undefined ? [] : [{ name, ...found }];
  });
  const time = times.find(({ isAbsolute }) => isAbsolute) ?? times[0];
  const data = dataOfFields(
    entries.filter(([name]) => name !== time?.name),
    text,
  );
  return time === undefined ? { data } : { micros: time.micros, data };
}

/** `sshd[24200]:`, `kernel:`, `crond(pam_unix)[2915]:`, with or without a host before it. */
const syslogTag = /^\s+(?:(?<host>[\w.\-/@]+)\s+)?(?<component>[A-Za-z_][\w./()-]{0,100})(?:\[(?<pid>\d{1,10})\])?:\s/;
const severityLength = 96;

function plainLine(text: string, latest: Micros): ReadLine {
  const time = findTime(text, latest);
  if (time === undefined) return { data: { message: text, ...severityField(text) } };
  return {
    micros: time.micros,
    data: { message: text, ...severityField(withoutTime(text, time)), ...tagFields(text.slice(time.end)) },
  };
}

function tagFields(rest: string): Record<string, unknown> {
  const { host, component, pid } = syslogTag.exec(rest)?.groups ?? {};
  return {
    // `INFO org.example.Main: ready` has the shape of a host and its program.
    ...(host === undefined || severityOf(host) !== undefined ? {} : { "host.name": host }),
    ...(component === undefined || severityOf(component) !== undefined ? {} : { component }),
    ...(pid === undefined ? {} : { "process.pid": Number(pid) }),
  };
}

function withoutTime(text: string, { start, end }: FoundTime): string {
  return `${text.slice(0, start)} ${text.slice(end, end + severityLength)}`;
}

function severityField(text: string): { severity?: string } {
  const severity = severityInText(text.slice(0, severityLength * 2));
  return severity === undefined ? {} : { severity };
}
