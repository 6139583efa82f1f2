import { lineAt, type Token, tokensOf } from "./sql-tokens.ts";

export interface SqlStatement {
  /** From its first to its last token, without the semicolon. */
  readonly text: string;
  /** The same with a blank for each comment, for recognising what it does. */
  readonly code: string;
  /** Where it begins in the file, counted from 1. */
  readonly line: number;
}

/**
 * Splits SQL at the semicolons that end a statement: not those in strings, quoted names, dollar
 * quotes, comments, parentheses (CREATE RULE … DO (…; …)) or the body of a function written
 * BEGIN ATOMIC … END. The rules are psql's.
 */
export function splitStatements(sql: string): SqlStatement[] {
  const statements: SqlStatement[] = [];
  let open = createOpenStatement(sql);
  for (const token of tokensOf(sql)) {
    if (!open.isEndedBy(token)) {
      open.add(token);
      continue;
    }
    statements.push(...open.close());
    open = createOpenStatement(sql);
  }
  return [...statements, ...open.close()];
}

interface OpenStatement {
  isEndedBy(token: Token): boolean;
  add(token: Token): void;
  /** The statement, or nothing when there were only blanks and comments. */
  close(): SqlStatement[];
}

function createOpenStatement(sql: string): OpenStatement {
  const tokens: Token[] = [];
  const body = createBodyDepth();
  let parentheses = 0;
  const textOf = ({ start, end }: Token): string => sql.slice(start, end);
  return {
    isEndedBy: (token) => textOf(token) === ";" && parentheses === 0 && !body.isOpen(),
    add(token) {
      if (tokens.length === 0 && isFiller(token)) return;
      tokens.push(token);
      const text = textOf(token);
      if (token.kind === "word" && parentheses === 0) body.add(text.toLowerCase());
      if (text === "(") parentheses++;
      if (text === ")") parentheses = Math.max(0, parentheses - 1);
    },
    close() {
      const kept = tokens.slice(0, tokens.findLastIndex((token) => !isFiller(token)) + 1);
      const [first, last] = [kept.at(0), kept.at(-1)];
      if (first === undefined || last === undefined) return [];
      const code = kept.map((token) => (token.kind === "comment" ? " " : textOf(token))).join("");
      return [{ text: sql.slice(first.start, last.end), code, line: lineAt(sql, first.start) }];
    },
  };
}

function isFiller(token: Token): boolean {
  return token.kind === "space" || token.kind === "comment";
}

/** How deep in a BEGIN ATOMIC body a CREATE FUNCTION or PROCEDURE is; CASE … END counts inside it. */
function createBodyDepth(): { isOpen(): boolean; add(word: string): void } {
  const firstWords: string[] = [];
  let depth = 0;
  return {
    isOpen: () => depth > 0,
    add(word) {
      if (firstWords.length < 4) firstWords.push(word);
      if (!/^create (or replace )?(function|procedure)\b/.test(firstWords.join(" "))) return;
      if (word === "begin" || (word === "case" && depth > 0)) depth++;
      if (word === "end" && depth > 0) depth--;
    },
  };
}
