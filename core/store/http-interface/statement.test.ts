import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Fault, faultOf, statusOf } from './fault.ts'
import { tokens } from './lexer.ts'
import { parseStatement } from './statement.ts'

describe('the lexer', () => {
  it.each([
    ["SELECT 'a;b'';c\\'d'", ['SELECT', "a;b';c'd"]],
    ['SELECT `a``b`, "c\\"d"', ['SELECT', 'a`b', ',', 'c"d']],
    ['a -- b\nc # d\ne #f', ['a', 'c', 'e', '#', 'f']],
    ['a /* b /* c */ d', ['a', 'd']],
    ['$$a;b$$ $x$;$y$;$x$', ['a;b', ';$y$;']],
    ['\u201cfile\u201d(\u2018x\u2019)', ['file', '(', 'x', ')']],
    ['1e5 0x1F t1.a', ['1e5', '0x1F', 't1', '.', 'a']],
  ])('takes %s apart', (sql, values) => {
    expect([...tokens(sql)].map(({ value }) => value)).toEqual(values)
  })

  it('ends in tokens or in an error of syntax, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (sql) => {
        try {
          let at = 0
          for (const token of tokens(sql)) {
            expect(token.start).toBeGreaterThanOrEqual(at)
            expect(token.end).toBeGreaterThan(token.start)
            at = token.end
          }
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
        }
      }),
    )
  })

  it('finds no statement behind any quoted text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const quoted = `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
        expect([...tokens(`SELECT ${quoted}`)].map(({ value }) => value)).toEqual(['SELECT', text])
      }),
    )
  })
})

describe('a statement', () => {
  it.each([
    ['SELECT 1', 'SELECT 1', undefined, ''],
    ['SELECT 1 FORMAT JSON', 'SELECT 1 ', 'JSON', ''],
    ['SELECT 1 format JSON settings a = 1 ; ', 'SELECT 1 ', 'JSON', ' settings a = 1'],
    ['SELECT format FROM t', 'SELECT format FROM t', undefined, ''],
    ['SELECT (SELECT 1 FORMAT x)', 'SELECT (SELECT 1 FORMAT x)', undefined, ''],
    ["SELECT 'FORMAT x' -- FORMAT y", "SELECT 'FORMAT x'", undefined, ''],
  ])('that answers rows is cut at its format: %s', (text, sql, format, settings) => {
    expect(parseStatement(text)).toMatchObject({ kind: 'rows', sql, format, settings })
  })

  it.each([
    ['INSERT INTO t FORMAT CSV\n1,2', 'INSERT INTO t ', '', 'CSV', '1,2'],
    ['insert into t (a, `FORMAT`) values (1)', 'insert into t (a, `FORMAT`) ', '', 'Values', '(1)'],
    [
      "INSERT INTO db.t SETTINGS a = 1, b = 'x' FORMAT TSV \n\n;--",
      'INSERT INTO db.t ',
      "SETTINGS a = 1, b = 'x' ",
      'TSV',
      '\n;--',
    ],
    ["INSERT INTO t FORMAT RowBinary\n'\u0000", 'INSERT INTO t ', '', 'RowBinary', "'\u0000"],
  ])('that brings its rows is cut before them: %j', (text, head, settings, format, data) => {
    const statement = parseStatement(text)
    expect(statement).toMatchObject({ kind: 'insert', head, settings, format })
    expect(statement.kind === 'insert' ? text.slice(statement.dataAt) : '').toBe(data)
  })

  it.each(['INSERT INTO t SELECT 1', 'INSERT INTO t (a) WITH 1 AS x SELECT x', 'INSERT INTO t (SELECT 1)'])(
    'that inserts what a query finds is a command: %s',
    (text) => {
      expect(parseStatement(text)).toMatchObject({ kind: 'command', keyword: 'INSERT', sql: text })
    },
  )

  it.each([
    '',
    ' ;',
    'SELECT 1; SELECT 2',
    'INSERT INTO t',
    'INSERT INTO t FORMAT',
    'INSERT INTO t SELECT 1; DROP TABLE t',
  ])('is one, and whole: %j', (text) => {
    expect(() => parseStatement(text)).toThrow(Fault)
  })
})

describe("the engine's errors", () => {
  it('are taken apart, and keep no path of ours', () => {
    const known = faultOf(
      new Error(
        'Code: 27. DB::Exception: Code: 27. DB::Exception: Cannot parse input: x: (at row 2)\n: (in file/uri /data/scratch/rows-1): While executing File. (CANNOT_PARSE_INPUT_ASSERTION_FAILED) (version 26.7.2.1). (CANNOT_PARSE_INPUT_ASSERTION_FAILED)',
      ),
    )
    expect([known.code, known.type, statusOf(known)]).toEqual([
      27,
      'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
      400,
    ])
    expect(known.message).not.toContain('/data')
  })

  it('that are none keep their text inside', () => {
    const known = faultOf(new TypeError('secret of ours'))
    expect([known.code, statusOf(known), known.message.includes('secret')]).toEqual([1001, 500, false])
  })

  it('are taken apart in no time, however many blanks they hold', { timeout: 10_000 }, () => {
    const blanks = ' '.repeat(100_000)
    const known = faultOf(new Error(`Code: 6. DB::Exception: Cannot parse '${blanks}x'. (CANNOT_PARSE_TEXT)`))
    expect(known).toMatchObject({ code: 6, type: 'CANNOT_PARSE_TEXT', message: `Cannot parse '${blanks}x'` })
  })
})
