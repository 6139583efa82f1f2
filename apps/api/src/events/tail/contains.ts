type Container = readonly unknown[] | Readonly<Record<string, unknown>>;

/** Parses JSON text; numbers become `JSON.rawJSON` of the one spelling of their value, all digits kept. Throws `SyntaxError` if it is not JSON. */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, { source }: { source?: string }) =>
    typeof value === "number" && source !== undefined ? JSON.rawJSON(canonicalNumberOf(source)) : value,
  );
}

/**
 * Whether `value @> part` in PostgreSQL ("jsonb Containment and Existence"): an object contains those
 * with some of its members, an array those whose every element it contains, whatever their order and
 * number; numbers are equal if their values are. An array also contains a scalar that is one of its
 * elements, at the top only.
 */
export function contains(value: unknown, part: unknown): boolean {
  if (Array.isArray(value) && !isContainer(part)) return value.some((element) => isSameScalar(element, part));
  return containsNested(value, part);
}

function containsNested(value: unknown, part: unknown): boolean {
  if (!isContainer(part)) return isSameScalar(value, part);
  if (!isContainer(value)) return false;
  if (isArray(part)) {
    return isArray(value) && part.every((wanted) => value.some((element) => containsNested(element, wanted)));
  }
  return (
    !isArray(value) &&
    Object.entries(part).every(([name, wanted]) => Object.hasOwn(value, name) && containsNested(value[name], wanted))
  );
}

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null && !JSON.isRawJSON(value);
}

/** `Array.isArray` does not tell a constant array from an object. */
function isArray(value: Container): value is readonly unknown[] {
  return Array.isArray(value);
}

function isSameScalar(one: unknown, other: unknown): boolean {
  return (
    one === other || (JSON.isRawJSON(one) && JSON.isRawJSON(other) && JSON.stringify(one) === JSON.stringify(other))
  );
}

const number = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** One spelling for all numbers of a value, `-12e-1` for `-1.20`: digits that neither begin nor end with 0, and an exponent. */
function canonicalNumberOf(source: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = number.exec(source) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
