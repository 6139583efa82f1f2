import pg from "pg";

/** Quotes a name as an SQL identifier: `my"table` becomes `"my""table"`. */
export function identifier(name: string): string {
  return pg.escapeIdentifier(name);
}

/** Quotes text as an SQL literal, for statements that take no parameters (DDL, COPY). */
export function literal(text: string): string {
  return pg.escapeLiteral(text);
}
