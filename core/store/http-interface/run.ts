import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChdbResult } from 'chdb'
import type { Engine, EngineSession } from '../engine/engine.ts'
import { literal } from '../insert.ts'
import type { Answer, Summary } from './answer.ts'
import { Fault, fault } from './fault.ts'
import { createNativeStream } from './native-stream.ts'
import type { Asked } from './parameters.ts'
import type { Pipes } from './pipes.ts'
import { checkStatement } from './rules.ts'
import { parseStatement, type Statement } from './statement.ts'
import type { Access } from './users.ts'

/** One request, understood. */
export type Job = {
  statement: Statement
  asked: Asked
  access: Access
  /** GET: nothing may be changed. */
  readonly: boolean
  /** Writes the rows of an INSERT into the file and answers their size in bytes. */
  writeRows: (path: string) => Promise<number>
  answer: Answer
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal
}

export type Limits = {
  /** Longest time for a query, in seconds; asking for more gives this. */
  maxSeconds: number
  /** Memory of one query in the engine, in bytes. */
  maxMemory: number
  /** Largest result that is made whole before it is sent (`wait_end_of_query`), in bytes. */
  maxHeldResult: number
}

/** As much of a result as is held back before its first byte is sent. */
const HELD_BYTES = 1_048_576

export type Runner = { run(job: Job): Promise<void>; close(): void }

/** Runs jobs, each on a connection of its own: what a request sets ends with it. */
export async function createRunner({
  engine,
  pipes,
  limits,
}: {
  engine: Engine
  pipes: Pipes
  limits: Limits
}): Promise<Runner> {
  const control = await engine.session('engine')
  const tableFunctions = await readTableFunctions(control)
  return {
    close: () => control.close(),
    async run(job) {
      const session = await engine.session(job.access)
      const mark = randomUUID()
      const stop = () => void kill(control, mark)
      job.signal.addEventListener('abort', stop)
      try {
        checkStatement(job.statement, job.access, tableFunctions)
        await checkAsParsed(session, job, tableFunctions)
        await prepare(session, job, mark, limits)
        if (!job.signal.aborted) await execute(session, job)
      } finally {
        job.signal.removeEventListener('abort', stop)
        session.close()
      }
    },
  }

  async function execute(session: EngineSession, job: Job): Promise<void> {
    const { statement } = job
    if (statement.kind === 'rows') await sendRows(session, statement, job)
    else if (statement.kind === 'insert') await insertRows(session, statement, job)
    else await command(session, statement.sql, job)
  }

  async function sendRows(
    session: EngineSession,
    { sql, format, settings }: Extract<Statement, { kind: 'rows' }>,
    { asked, answer, signal }: Job,
  ): Promise<void> {
    const pipe = pipes.open()
    const abandon = () => pipe.abandon()
    signal.addEventListener('abort', abandon)
    const used = format ?? asked.defaultFormat
    answer.setFormat(used)
    const done = session
      .queryAsync(`${sql}\nINTO OUTFILE ${literal(pipe.path)} TRUNCATE FORMAT ${used}${settings}`)
      .then((result) => answer.summarize(summaryOf(result, 'read')))
      .finally(() => pipe.written())
    // Looked at after the rows before it; until then it may fail unseen.
    done.catch(() => undefined)
    let held: Buffer[] = []
    try {
      const native = /^native$/i.test(used) && asked.protocolVersion > 0
      held = await forward(pipe.output, native ? asked.protocolVersion : 0, asked.waitEndOfQuery, answer)
    } catch (error) {
      pipe.abandon()
      // The engine's own error says more than that its output broke off, and less than why we would not have it.
      const cause = await done.catch((own: unknown) => own)
      throw error instanceof Fault ? error : (cause ?? error)
    } finally {
      signal.removeEventListener('abort', abandon)
    }
    await done
    for (const piece of held) await answer.write(piece)
    await answer.end()
  }

  /**
   * Sends the output on. Its beginning is held until there is too much of it, so that a query that fails early is
   * answered with a status; what is still held at the end is returned.
   */
  async function forward(
    output: AsyncIterable<Buffer>,
    revision: number,
    waitForEnd: boolean,
    answer: Answer,
  ): Promise<Buffer[]> {
    const native = revision > 0 ? createNativeStream(revision) : undefined
    let held: Buffer[] | undefined = []
    let size = 0
    const send = async (piece: Buffer) => {
      size += piece.length
      if (waitForEnd && size > limits.maxHeldResult) {
        throw fault.tooLarge(
          `the result is larger than ${limits.maxHeldResult} bytes; ask without wait_end_of_query`,
        )
      }
      held?.push(piece)
      if (waitForEnd || size <= HELD_BYTES) return
      for (const each of held ?? [piece]) await answer.write(each)
      held = undefined
    }
    for await (const piece of output) await send(native?.take(piece) ?? piece)
    if (native !== undefined) await send(native.rest())
    return held ?? []
  }

  async function insertRows(
    session: EngineSession,
    { head, settings, format }: Extract<Statement, { kind: 'insert' }>,
    { writeRows, answer }: Job,
  ): Promise<void> {
    const path = join(engine.scratch, `rows-${randomUUID()}`)
    try {
      const bytes = await writeRows(path)
      if (bytes > 0) {
        const result = await session.queryAsync(
          `${head} FROM INFILE ${literal(path)} COMPRESSION 'none' ${settings} FORMAT ${format}`,
        )
        answer.summarize(summaryOf(result, 'written'))
      }
    } finally {
      await rm(path, { force: true })
    }
    await answer.end()
  }
}

async function command(session: EngineSession, sql: string, { asked, answer }: Job): Promise<void> {
  const result = await session.queryAsync(sql, { format: asked.defaultFormat })
  answer.setFormat(asked.defaultFormat)
  answer.summarize(summaryOf(result, 'written'))
  const bytes = result.bytes()
  if (bytes.length > 0) await answer.write(Buffer.from(bytes))
  await answer.end()
}

/** The rules again, on the text that the engine's own parser makes of the query: what it reads is what is judged. */
async function checkAsParsed(
  session: EngineSession,
  { statement, access }: Job,
  tableFunctions: ReadonlySet<string>,
): Promise<void> {
  if (statement.kind !== 'rows') return
  const text = `${statement.sql} ${statement.format === undefined ? '' : `FORMAT ${statement.format}`}${statement.settings}`
  const result = await session.queryAsync(`SELECT formatQuerySingleLine(${literal(text)})`, {
    format: 'RawBLOB',
  })
  const parsed = parseStatement(result.text())
  if (parsed.kind !== 'rows') throw fault.syntax('Syntax error: the query is not what it looks like')
  checkStatement(parsed, access, tableFunctions)
}

async function prepare(
  session: EngineSession,
  { asked, access, readonly }: Job,
  mark: string,
  { maxSeconds, maxMemory }: Limits,
): Promise<void> {
  if (asked.database !== 'default') await session.queryAsync(`USE \`${asked.database}\``)
  const settings = new Map<string, string>([
    // An answer says that the rows are there, so they are not left to be written later.
    ['async_insert', '0'],
    ['max_memory_usage', String(maxMemory)],
    ...asked.settings,
    ['max_execution_time', String(seconds(asked.settings.get('max_execution_time'), maxSeconds))],
    ['log_comment', mark],
  ])
  const asks = Number(settings.get('readonly') ?? 0)
  settings.delete('readonly')
  const assignments = [...settings].map(([name, value]) => `${name} = ${literal(value)}`)
  const bound = [...asked.parameters].map(([name, value]) => `param_${name} = ${literal(value)}`)
  await session.queryAsync(`SET ${[...assignments, ...bound].join(', ')}`)
  // Last, since nothing can be set afterwards.
  const level = access === 'reader' ? 1 : readonly ? 2 : asks
  if (level > 0) await session.queryAsync(`SET readonly = ${level}`)
}

function seconds(asked: string | undefined, most: number): number {
  if (asked === undefined) return most
  const value = Number(asked)
  if (!(value >= 0)) throw new Fault(72, 'CANNOT_PARSE_NUMBER', `max_execution_time '${asked}' is no number`)
  return value === 0 ? most : Math.min(value, most)
}

async function kill(control: EngineSession, mark: string): Promise<void> {
  // Whether it was found or had ended by itself makes no difference to anybody.
  await control
    .queryAsync(`KILL QUERY WHERE Settings['log_comment'] = '${mark}' ASYNC`)
    .catch(() => undefined)
}

async function readTableFunctions(session: EngineSession): Promise<ReadonlySet<string>> {
  const result = await session.queryAsync('SELECT lower(name) FROM system.table_functions', {
    format: 'TabSeparated',
  })
  return new Set(result.text().trim().split('\n'))
}

function summaryOf(result: ChdbResult, what: 'read' | 'written'): Summary {
  const { rowsRead, bytesRead, elapsed } = result
  const written = what === 'written'
  return {
    readRows: rowsRead,
    readBytes: bytesRead,
    writtenRows: written ? rowsRead : 0,
    writtenBytes: written ? bytesRead : 0,
    seconds: elapsed,
  }
}
