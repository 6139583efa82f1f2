import type { TailFilter } from "./channel.ts";

/** Finds what belongs to the filters that let a row through. */
export interface FilterIndex<Value> {
  /** `line` is a row in COPY's text format. */
  matches(line: string): readonly Value[];
}

/** The filters that use the same of the attributes: what belongs to each, by the values that it asks for. */
interface Shape<Value> {
  readonly uses: readonly [source: boolean, type: boolean, subject: boolean];
  readonly values: Map<string, Value>;
}

/**
 * The cost of a look-up does not grow with the number of filters: a filter uses some of three
 * attributes, which makes eight shapes at most, and each shape in use is one look-up in a map.
 */
export function createFilterIndex<Value>(entries: Iterable<readonly [TailFilter, Value]>): FilterIndex<Value> {
  const shapes = new Map<string, Shape<Value>>();
  for (const [{ source, type, subject }, value] of entries) {
    const uses = [source !== undefined, type !== undefined, subject !== undefined] as const;
    const shape = shapes.get(String(uses)) ?? { uses, values: new Map() };
    shapes.set(String(uses), shape);
    shape.values.set(keyOf(shape, inCopyText(source), inCopyText(type), inCopyText(subject)), value);
  }
  const inUse = [...shapes.values()];
  const ofEveryRow = [...(shapes.get("false,false,false")?.values.values() ?? [])];
  const isEveryRow = inUse.length === ofEveryRow.length;

  return {
    matches(line) {
      if (isEveryRow) return ofEveryRow;
      // The fields are not unescaped, and the row's data, which may be large, is not even looked at.
      const source = line.indexOf("\t") + 1;
      const type = line.indexOf("\t", source) + 1;
      const subject = line.indexOf("\t", type) + 1;
      const time = line.indexOf("\t", subject) + 1;
      const found: Value[] = [];
      for (const shape of inUse) {
        const key = keyOf(
          shape,
          line.slice(source, type - 1),
          line.slice(type, subject - 1),
          line.slice(subject, time - 1),
        );
        const value = shape.values.get(key);
        if (value !== undefined) found.push(value);
      }
      return found;
    },
  };
}

/** Fields are without tabs. That of an absent subject, `\N`, is the text of no value. */
function keyOf({ uses }: Pick<Shape<unknown>, "uses">, source: string, type: string, subject: string): string {
  const [bySource, byType, bySubject] = uses;
  if (bySource && !byType && !bySubject) return source;
  return `${bySource ? source : ""}\t${byType ? type : ""}\t${bySubject ? subject : ""}`;
}

function inCopyText(value = ""): string {
  return value.replaceAll("\\", "\\\\");
}
