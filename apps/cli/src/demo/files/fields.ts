import { severityOf } from "./severity.ts";

/** Names, in lower case and without `_`, `-`, `.` and `@`, under which programs write the same thing. */
const roles = {
  time: [
    "time",
    "timestamp",
    "ts",
    "t",
    "datetime",
    "date",
    "eventtime",
    "logtime",
    "createdat",
    "asctime",
    "isotimestamp",
  ],
  message: ["message", "msg", "content", "body", "text", "log", "event", "logmessage"],
  severity: ["severity", "severitytext", "level", "loglevel", "levelname", "lvl", "priority"],
  component: [
    "component",
    "logger",
    "loggername",
    "module",
    "service",
    "servicename",
    "program",
    "process",
    "app",
    "tag",
  ],
  pid: ["pid", "processid", "processpid", "procid"],
  host: ["host", "hostname", "node"],
} as const;

export type Role = keyof typeof roles;

const roleOfName = new Map<string, Role>(
  Object.entries(roles).flatMap(
    ([role, names]) => names.map((name) => [name, role as Role] as const), // `Object.entries` widens the keys of `roles`
  ),
);

export function roleOf(name: string): Role | undefined {
  return roleOfName.get(name.toLowerCase().replace(/[_\-.@ ]/g, ""));
}

/**
 * An event's data from the named values of a structured record: what is evident under the names that
 * all events share, all else in `fields` under the names it had.
 */
export function dataOfFields(
  entries: Iterable<readonly [name: string, value: unknown]>,
  line: string,
): Record<string, unknown> {
  const data: Record<string, unknown> = { message: line };
  const fields: Record<string, unknown> = {};
  const taken = new Set<Role>();
  for (const [name, value] of entries) {
    if (value === "" || value === null || value === undefined) continue;
    const role = roleOf(name);
    const known = role === undefined || taken.has(role) ? undefined : knownField(role, value);
    if (role === undefined || known === undefined) fields[name] = value;
    else {
      taken.add(role);
      Object.assign(data, known);
    }
  }
  return Object.keys(fields).length === 0 ? data : { ...data, fields };
}

function knownField(role: Role, value: unknown): Record<string, unknown> | undefined {
  const text = typeof value === "string" ? value.trim() : undefined;
  switch (role) {
    case "time":
      return undefined;
    case "message":
      return text === undefined ? undefined : { message: value };
    case "severity": {
      const severity = severityOf(value);
      return severity === undefined ? undefined : { severity };
    }
    case "component":
      return text === undefined ? undefined : { component: text };
    case "pid":
      return /^\d{1,10}$/.test(String(value)) ? { "process.pid": Number(value) } : undefined;
    case "host":
      return text === undefined ? undefined : { "host.name": text };
  }
}
