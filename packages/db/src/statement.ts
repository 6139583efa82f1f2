/**
 * A named SQL text with the types of its parameters and rows.
 *
 * The name labels the query event, the metric and the slow-query record, so that a slow line on a
 * dashboard is one search away from its source. Names are `feature.verb_object`, unique in the tree.
 * Values only ever travel as parameters (`$1`, `$2`, …), never inside the text.
 */
export interface Statement<Params extends readonly unknown[], Row> {
  readonly name: string;
  readonly text: string;
  /** Type-only: carries the parameter and row types; never present at run time. */
  readonly types?: (params: Params) => Row;
}

/**
 * Declares a statement. Its name goes behind the first word of its text, where the server's own statistics and its log
 * keep it and whoever looks at what it is doing sees it. `Row` is a promise about the columns the text returns; tests hold it to that.
 */
export function statement<Params extends readonly unknown[] = [], Row = Record<string, never>>(
  name: string,
  text: string,
): Statement<Params, Row> {
  if (!/^[a-z0-9_.]+$/.test(name)) throw new Error(`"${name}" is no name of a statement: write feature.verb_object`);
  return { name, text: text.replace(/^\s*(\w+)/, `$1 /* ${name} */`) };
}
