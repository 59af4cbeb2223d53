import { fault } from './fault.ts'
import { type Token, tokens } from './lexer.ts'

/** One statement, as far as it must be understood to be run. */
export type Statement =
  /** Answers rows: `sql` without the FORMAT that ends it, and the SETTINGS that may come behind. */
  | {
      kind: 'rows'
      keyword: string
      sql: string
      format: string | undefined
      settings: string
      tokens: Tokens
    }
  /** Takes its rows from the request: `head` names the table and columns; the data begin at character `dataAt`. */
  | { kind: 'insert'; head: string; settings: string; format: string; dataAt: number; tokens: Tokens }
  /** Changes something, and answers little or nothing. */
  | { kind: 'command'; keyword: string; sql: string; tokens: Tokens }
type Tokens = readonly Token[]

const ROWS = new Set([
  'SELECT',
  'WITH',
  'FROM',
  '(',
  'SHOW',
  'DESCRIBE',
  'DESC',
  'EXISTS',
  'EXPLAIN',
  'CHECK',
])

/** Takes a statement apart; there may be one only. */
export function parseStatement(sql: string): Statement {
  const reader = tokens(sql)
  const first = reader.next().value ?? undefined
  if (first === undefined) throw fault.syntax('Syntax error: the query is empty')
  const keyword = first.value.toUpperCase()
  if (first.kind === 'word' && keyword === 'INSERT') return parseInsert(sql, first, reader)
  const statement = oneStatement([first, ...reader])
  const end = statement.at(-1)?.end ?? 0
  if (!ROWS.has(keyword)) return { kind: 'command', keyword, sql: sql.slice(0, end), tokens: statement }
  const format = formatOf(statement)
  return {
    kind: 'rows',
    keyword,
    sql: sql.slice(0, format?.word.start ?? end),
    format: format?.name.value,
    settings: sql.slice(format?.name.end ?? end, end),
    tokens: statement,
  }
}

/** Whether a token is this keyword. */
export function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.value.toUpperCase() === word
}

function oneStatement(all: Tokens): Tokens {
  let end = all.length
  while (isSymbol(all[end - 1], ';')) end -= 1
  const statement = all.slice(0, end)
  if (end === 0) throw fault.syntax('Syntax error: the query is empty')
  const more = statement.find((token) => isSymbol(token, ';'))
  if (more !== undefined) {
    throw fault.syntax(
      `Syntax error (Multi-statements are not allowed): failed at position ${more.start + 1}`,
    )
  }
  return statement
}

/** The last FORMAT in no parentheses, when it ends the statement or only settings follow it. */
function formatOf(statement: Tokens): { word: Token; name: Token } | undefined {
  let depth = 0
  let found: { word: Token; name: Token } | undefined
  for (const [i, word] of statement.entries()) {
    if (isSymbol(word, '(')) depth += 1
    if (isSymbol(word, ')')) depth -= 1
    if (depth !== 0 || !isWord(word, 'FORMAT')) continue
    const name = statement[i + 1]
    const after = statement[i + 2]
    if (name?.kind === 'word' && (after === undefined || isWord(after, 'SETTINGS'))) found = { word, name }
  }
  return found
}

/** INSERT INTO [TABLE] name [(columns)] [SETTINGS …] then VALUES, FORMAT name, or a query. */
function parseInsert(sql: string, first: Token, reader: Generator<Token, void>): Statement {
  const seen: Token[] = [first]
  let depth = 0
  let settingsAt: number | undefined
  for (const token of reader) {
    seen.push(token)
    if (isSymbol(token, ';')) break
    if (isSymbol(token, '(')) depth += 1
    if (isSymbol(token, ')')) depth -= 1
    if (depth > 0) {
      if (isWord(token, 'SELECT') || isWord(token, 'WITH')) return insertFromQuery(sql, seen, reader)
      continue
    }
    if (isWord(token, 'SELECT') || isWord(token, 'WITH')) return insertFromQuery(sql, seen, reader)
    if (isWord(token, 'FUNCTION') || isWord(token, 'INFILE')) {
      throw fault.denied(
        'default: INSERT takes a table and its rows from the request, no function and no file',
      )
    }
    if (isWord(token, 'SETTINGS')) settingsAt = token.start
    const format = isWord(token, 'VALUES')
      ? 'Values'
      : isWord(token, 'FORMAT')
        ? take(reader, seen)
        : undefined
    if (format !== undefined) {
      const head = sql.slice(0, settingsAt ?? token.start)
      const settings = settingsAt === undefined ? '' : sql.slice(settingsAt, token.start)
      const afterFormat = seen.at(-1)?.end ?? 0
      const [gap = ''] = /^[ \t]*\r?\n?/.exec(sql.slice(afterFormat, afterFormat + 1_000)) ?? []
      return { kind: 'insert', head, settings, format, dataAt: afterFormat + gap.length, tokens: seen }
    }
  }
  throw fault.syntax('Syntax error: INSERT needs VALUES, FORMAT or SELECT')
}

function insertFromQuery(sql: string, seen: Tokens, reader: Generator<Token, void>): Statement {
  const statement = oneStatement([...seen, ...reader])
  const text = sql.slice(0, statement.at(-1)?.end)
  return { kind: 'command', keyword: 'INSERT', sql: text, tokens: statement }
}

function take(reader: Generator<Token, void>, seen: Token[]): string {
  const token = reader.next().value ?? undefined
  if (token?.kind !== 'word') throw fault.syntax('Syntax error: FORMAT needs the name of a format')
  seen.push(token)
  return token.value
}

function isSymbol(token: Token | undefined, symbol: string): boolean {
  return token?.kind === 'symbol' && token.value === symbol
}
