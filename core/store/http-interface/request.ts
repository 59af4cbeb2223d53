import { writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { readBody, writeBody } from './body.ts'
import { Fault, fault } from './fault.ts'
import { tokens } from './lexer.ts'
import { isWord, parseStatement, type Statement } from './statement.ts'

export type ReadRequest = {
  statement: Statement
  /** Writes the rows of an INSERT into a file; answers their size in bytes. */
  writeRows: (path: string) => Promise<number>
}

/**
 * The statement of a request: in the URL, in the body, or begun in the one and continued in the other. The rows of an
 * INSERT that stands in the URL are not read yet: they go from the body into a file, whatever their size.
 */
export async function readRequest(
  request: IncomingMessage,
  query: string,
  { maxStatement, maxData }: { maxStatement: number; maxData: number },
): Promise<ReadRequest> {
  if (Buffer.byteLength(query) > maxStatement) {
    throw fault.tooLarge(`Query is too large: more than ${maxStatement} bytes`)
  }
  const inUrl = insertIn(query)
  if (inUrl !== undefined) {
    const begun = query.slice(inUrl.dataAt)
    const head = Buffer.from(begun === '' ? '' : `${begun}\n`)
    return { statement: inUrl, writeRows: (path) => writeBody(request, { path, head, limit: maxData }) }
  }
  const body = await readBody(request, maxStatement)
  const bytes = query === '' ? body : Buffer.concat([Buffer.from(`${query}\n`), body])
  const text = bytes.toString('utf8')
  const statement = parseStatement(text)
  return {
    statement,
    async writeRows(path) {
      if (statement.kind !== 'insert') return 0
      // Counted in bytes, since the rows may be no text.
      const rows = bytes.subarray(Buffer.byteLength(text.slice(0, statement.dataAt)))
      await writeFile(path, rows, { flag: 'wx', mode: 0o600 })
      return rows.length
    },
  }
}

/** An INSERT that the URL holds up to its data. */
function insertIn(query: string): Extract<Statement, { kind: 'insert' }> | undefined {
  try {
    // Looked at alone first: the rest of a long SELECT is taken apart once, later.
    if (!isWord(tokens(query).next().value ?? undefined, 'INSERT')) return undefined
    const statement = parseStatement(query)
    return statement.kind === 'insert' ? statement : undefined
  } catch (error) {
    // Its other half may stand in the body.
    if (error instanceof Fault && error.code === 62) return undefined
    throw error
  }
}
