import { MigrationError } from "./migration-error.ts";

export type TokenKind = "space" | "comment" | "quoted" | "word" | "symbol";

export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
}

const space = /\s+/y;
const lineComment = /--[^\n]*/y;
const number = /\d+/y;
const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;

/** Cuts SQL into tokens by PostgreSQL's lexical rules, as far as finding the end of a statement needs. */
export function* tokensOf(sql: string): Generator<Token> {
  let start = 0;
  while (start < sql.length) {
    const token = tokenAt(sql, start);
    yield token;
    start = token.end;
  }
}

function tokenAt(sql: string, start: number): Token {
  const token = (kind: TokenKind, end: number): Token => ({ kind, start, end });
  const blank = endOf(space, sql, start);
  if (blank !== undefined) return token("space", blank);
  const comment = endOf(lineComment, sql, start);
  if (comment !== undefined) return token("comment", comment);
  if (sql.startsWith("/*", start)) return token("comment", endOfBlockComment(sql, start));
  const character = sql[start];
  if (character === "'" || character === '"') return token("quoted", endOfQuoted(sql, start, character, false));
  if (/[eE]/.test(character ?? "") && sql[start + 1] === "'") {
    return token("quoted", endOfQuoted(sql, start + 1, "'", true));
  }
  const opened = endOf(dollarTag, sql, start);
  if (opened !== undefined) return token("quoted", endOfDollarQuoted(sql, start, opened));
  const named = endOf(word, sql, start) ?? endOf(number, sql, start);
  if (named !== undefined) return token("word", named);
  return token("symbol", start + 1);
}

function endOf(pattern: RegExp, sql: string, start: number): number | undefined {
  pattern.lastIndex = start;
  return pattern.test(sql) ? pattern.lastIndex : undefined;
}

/** Block comments nest in PostgreSQL, unlike in the SQL standard. */
function endOfBlockComment(sql: string, start: number): number {
  let depth = 1;
  let at = start + 2;
  while (at < sql.length) {
    if (sql.startsWith("/*", at)) {
      depth++;
      at += 2;
    } else if (sql.startsWith("*/", at)) {
      depth--;
      at += 2;
      if (depth === 0) return at;
    } else {
      at++;
    }
  }
  throw unterminated("comment", sql, start);
}

/** A doubled quote stays inside; a backslash hides what follows it in E'…' only. */
function endOfQuoted(sql: string, start: number, quote: string, hasEscapes: boolean): number {
  let at = start + 1;
  while (at < sql.length) {
    if (hasEscapes && sql[at] === "\\") at += 2;
    else if (sql[at] !== quote) at++;
    else if (sql[at + 1] === quote) at += 2;
    else return at + 1;
  }
  throw unterminated(quote === "'" ? "string" : "quoted name", sql, start);
}

function endOfDollarQuoted(sql: string, start: number, opened: number): number {
  const tag = sql.slice(start, opened);
  const close = sql.indexOf(tag, opened);
  if (close < 0) throw unterminated(`text quoted with ${tag}`, sql, start);
  return close + tag.length;
}

export function lineAt(sql: string, offset: number): number {
  return sql.slice(0, offset).split("\n").length;
}

function unterminated(what: string, sql: string, start: number): MigrationError {
  return new MigrationError("UNTERMINATED", `line ${lineAt(sql, start)}: this ${what} is never closed`);
}
