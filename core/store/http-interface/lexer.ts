import { fault } from './fault.ts'

/** A piece of SQL text. `value` is what it stands for: a quoted name or a string without its quotes. */
export type Token = {
  kind: 'word' | 'name' | 'string' | 'number' | 'symbol'
  value: string
  start: number
  end: number
}

const SKIP = /(?:[\s\u00a0]+|--[^\n]*|#(?=[ !])[^\n]*|\/\*[\s\S]*?\*\/)+/y
const WORD = /[A-Za-z_][A-Za-z0-9_$]*/y
const NUMBER = /[0-9][0-9A-Za-z_]*/y
const HEREDOC = /\$([A-Za-z0-9_]*)\$/y
/** Opening quotes, with what closes them and what they hold. Source: ClickHouse src/Parsers/Lexer.cpp */
const QUOTES: Record<string, readonly [close: string, kind: 'name' | 'string']> = {
  "'": ["'", 'string'],
  '"': ['"', 'name'],
  '`': ['`', 'name'],
  '\u2018': ['\u2019', 'string'],
  '\u201c': ['\u201d', 'name'],
}

/** The tokens of SQL text, one by one, so that data that follows an INSERT is not looked at. */
export function* tokens(sql: string): Generator<Token, void> {
  let at = 0
  for (;;) {
    at = matchAt(SKIP, sql, at)?.end ?? at
    if (at >= sql.length) return
    const token = next(sql, at)
    yield token
    at = token.end
  }
}

function next(sql: string, start: number): Token {
  const word = matchAt(WORD, sql, start)
  if (word !== undefined) return { kind: 'word', value: word.text, start, end: word.end }
  const number = matchAt(NUMBER, sql, start)
  if (number !== undefined) return { kind: 'number', value: number.text, start, end: number.end }
  const heredoc = matchAt(HEREDOC, sql, start)
  if (heredoc !== undefined) return heredocAt(sql, start, heredoc.text)
  if (sql.startsWith('/*', start))
    throw fault.syntax(`Syntax error: a comment that begins at ${start} does not end`)
  const quote = QUOTES[sql[start] ?? '']
  if (quote !== undefined) return quotedAt(sql, start, quote)
  return { kind: 'symbol', value: sql[start] ?? '', start, end: start + 1 }
}

function heredocAt(sql: string, start: number, tag: string): Token {
  const close = sql.indexOf(tag, start + tag.length)
  if (close < 0) throw fault.syntax(`Syntax error: the text that begins at ${start} does not end`)
  return { kind: 'string', value: sql.slice(start + tag.length, close), start, end: close + tag.length }
}

/** A quote inside is doubled or follows a backslash. */
function quotedAt(
  sql: string,
  start: number,
  [close, kind]: readonly [close: string, kind: 'name' | 'string'],
): Token {
  let value = ''
  for (let i = start + 1; i < sql.length; i += 1) {
    const char = sql[i] ?? ''
    if (char === '\\') {
      i += 1
      value += sql[i] ?? ''
    } else if (char !== close) {
      value += char
    } else if (sql[i + 1] === close) {
      i += 1
      value += close
    } else {
      return { kind, value, start, end: i + 1 }
    }
  }
  throw fault.syntax(`Syntax error: the quote that begins at ${start} does not end`)
}

function matchAt(pattern: RegExp, sql: string, at: number): { text: string; end: number } | undefined {
  pattern.lastIndex = at
  const text = pattern.exec(sql)?.[0]
  return text === undefined ? undefined : { text, end: at + text.length }
}
