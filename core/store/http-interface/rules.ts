import type { Role } from '../engine/access.ts'
import { fault } from './fault.ts'
import type { Token } from './lexer.ts'
import { isWord, type Statement } from './statement.ts'

/**
 * What may be asked, beyond what the engine's roles already forbid: the roles say which tables, these rules close
 * the ways that roles leave open (the machine's files, other statements in flight, the connection's own state).
 */
const ADMIN_STATEMENTS = words(`
  SELECT WITH FROM ( SHOW DESCRIBE DESC EXISTS EXPLAIN CHECK
  INSERT CREATE DROP ALTER TRUNCATE OPTIMIZE RENAME EXCHANGE DELETE UPDATE`)
const READER_STATEMENTS = words('SELECT WITH FROM ( SHOW DESCRIBE DESC EXISTS EXPLAIN')
/** What ClickHouse would understand, and is not answered here. */
const OTHER_STATEMENTS = words(`
  SET USE KILL SYSTEM GRANT REVOKE ATTACH DETACH BACKUP RESTORE EXECUTE BEGIN COMMIT ROLLBACK UNDROP MOVE COPY`)
const READER_SHOWS = words('TABLES DATABASES COLUMNS FIELDS FULL CREATE FUNCTIONS')

/** Tables that describe what a reader may see anyway; the engine shows only what the role has rights to. */
const READER_SYSTEM_TABLES = new Set([
  'columns',
  'data_type_families',
  'databases',
  'formats',
  'functions',
  'numbers',
  'numbers_mt',
  'one',
  'tables',
  'time_zones',
])
/** Table functions that make rows from nothing or from their arguments. */
const READER_TABLE_FUNCTIONS = new Set([
  'numbers',
  'numbers_mt',
  'zeros',
  'zeros_mt',
  'generate_series',
  'generateseries',
  'values',
  'view',
  // Also ordinary functions of that name, which read nothing.
  'format',
  'null',
  'primes',
])
/** A function too, not only a table function, and not covered by any right: reads any file. */
const FILE_FUNCTIONS = new Set(['file'])

/** Throws when a user with this role may not ask this. `tableFunctions`: all that the engine has, in lower case. */
export function checkStatement(
  statement: Statement,
  role: Exclude<Role, 'engine'>,
  tableFunctions: ReadonlySet<string>,
): void {
  const keyword = statement.kind === 'insert' ? 'INSERT' : statement.keyword
  if (!(role === 'reader' ? READER_STATEMENTS : ADMIN_STATEMENTS).has(keyword)) throw refusal(keyword, role)
  checkTokens(statement.tokens)
  if (role === 'reader') checkReaderTokens(statement.tokens, tableFunctions)
}

function refusal(keyword: string, role: Role): Error {
  if (!OTHER_STATEMENTS.has(keyword) && !ADMIN_STATEMENTS.has(keyword)) {
    return fault.syntax(`Syntax error: failed at position 1 (${keyword})`)
  }
  if (keyword === 'SET') {
    return fault.notImplemented(
      'SET has no effect here, since there are no sessions: send settings in the URL',
    )
  }
  if (keyword === 'USE') {
    return fault.notImplemented(
      'USE has no effect here, since there are no sessions: send database in the URL',
    )
  }
  if (keyword === 'KILL') {
    return fault.notImplemented('KILL is not answered here: close the connection of the request to end it')
  }
  if (role === 'reader') {
    return fault.readonly(`Cannot execute query in readonly mode: this user reads, and ${keyword} does more`)
  }
  return fault.denied(`Not enough privileges: ${keyword} is not answered here`)
}

function checkTokens(tokens: readonly Token[]): void {
  for (const [i, token] of tokens.entries()) {
    if (isWord(token, 'OUTFILE') && isWord(tokens[i - 1], 'INTO')) {
      throw fault.notImplemented('INTO OUTFILE is not answered here: the rows come as the answer')
    }
    if (isWord(token, 'INFILE'))
      throw fault.denied('Not enough privileges: files of this machine are not read')
    if (isCall(tokens, i) && FILE_FUNCTIONS.has(token.value.toLowerCase())) {
      throw fault.denied(`Not enough privileges: ${token.value}() reads files of this machine`)
    }
  }
}

function checkReaderTokens(tokens: readonly Token[], tableFunctions: ReadonlySet<string>): void {
  const [first, second] = tokens
  if (isWord(first, 'SHOW') && !READER_SHOWS.has(second?.value.toUpperCase() ?? '')) {
    throw fault.denied(`Not enough privileges: SHOW ${second?.value ?? ''}`)
  }
  for (const [i, token] of tokens.entries()) {
    const name = token.value.toLowerCase()
    if (isCall(tokens, i) && tableFunctions.has(name) && !READER_TABLE_FUNCTIONS.has(name)) {
      throw fault.denied(`Not enough privileges: ${token.value}()`)
    }
    if (isName(token) && isSystemName(tokens, i))
      throw fault.denied(`Not enough privileges: ${nameAt(tokens, i)}`)
    if (isWord(token, 'SETTINGS') && isName(tokens[i + 1]) && tokens[i + 2]?.value === '=') {
      throw fault.readonly(
        `Cannot modify '${tokens[i + 1]?.value}' setting in readonly mode: send it in the URL`,
      )
    }
    if (isIdentifierParameter(tokens, i)) {
      throw fault.denied('Not enough privileges: names cannot be given as parameters, values can')
    }
  }
}

/** `system.x` and `information_schema.x`, however they are quoted, unless x is one of those allowed. */
function isSystemName(tokens: readonly Token[], i: number): boolean {
  const name = tokens[i]?.value.toLowerCase() ?? ''
  if (/^(system|information_schema)\s*\./.test(name)) return true
  if (name !== 'system' && name !== 'information_schema') return false
  if (tokens[i + 1]?.value !== '.') return false
  return name !== 'system' || !READER_SYSTEM_TABLES.has(tokens[i + 2]?.value ?? '')
}

/** `{x:Identifier}`: would put a name where the rules cannot see it. */
function isIdentifierParameter(tokens: readonly Token[], i: number): boolean {
  return tokens[i]?.value === ':' && tokens[i + 1]?.value.toLowerCase() === 'identifier'
}

function isCall(tokens: readonly Token[], i: number): boolean {
  return isName(tokens[i]) && tokens[i + 1]?.kind === 'symbol' && tokens[i + 1]?.value === '('
}

function isName(token: Token | undefined): boolean {
  return token?.kind === 'word' || token?.kind === 'name'
}

function nameAt(tokens: readonly Token[], i: number): string {
  return `${tokens[i]?.value ?? ''}.${tokens[i + 2]?.value ?? ''}`
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}
