import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createCertificate } from './testing/certificate.ts'
import { openssl, rawClient } from './testing/clients.ts'
import { scratchFolder } from './testing/scratch.ts'
import { type Sink, startSink } from './testing/sink.ts'
import { until } from './testing/wait.ts'

const { keyFile, certFile } = createCertificate()
let sink: Sink
const running: ChildProcess[] = []
beforeEach(async () => {
  sink = await startSink()
})
afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
  await sink.close()
})

type Program = {
  child: ChildProcess
  port: number
  output: () => string
  ended: Promise<number | string | null>
}

async function start(options: object, ...features: string[]): Promise<Program> {
  const given = JSON.stringify({ url: sink.url, agent: 'edge', batch: { delay: 20 }, ...options })
  const child = fork(
    join(import.meta.dirname, 'testing/program.ts'),
    [given, keyFile, certFile, ...features],
    {
      execArgv: ['--import', 'tsx'],
      silent: true,
    },
  )
  running.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (data: Buffer) => {
      output += data.toString('utf8')
    })
  }
  const ended = new Promise<number | string | null>((resolve) => {
    child.on('exit', (code, signal) => resolve(signal ?? code))
  })
  await until(() => output.includes('port '), 'the program to listen')
  return { child, port: Number(/port (\d+)/.exec(output)?.[1]), output: () => output, ended }
}

/** A client that says nothing, for as long as the test runs. */
async function silentClient(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('connect', resolve))
}

const slow = { batch: { delay: 60_000 } }

describe('SIGTERM', () => {
  test('with nobody else listening ends the process by the signal, after all is reported', async () => {
    const { child, port, ended } = await start(slow)
    await openssl(port)
    await silentClient(port)
    // The accept of the silent client comes before that of this one.
    await rawClient(port, (socket) => socket.end())
    child.kill('SIGTERM')
    expect(await ended).toBe('SIGTERM')
    expect(
      sink.stored.map((event) => (event.state === 'closed' ? event.ended_by : event.state)).sort(),
    ).toEqual([...['active', 'agent_stopped', 'fin']])
  })

  test('ends the process also when several servers are observed, and when ingest is away', async () => {
    sink.handle(() => undefined)
    const { child, port, ended, output } = await start({ ...slow, drainTimeout: 300 }, 'second-server')
    await openssl(port)
    child.kill('SIGTERM')
    expect(await ended).toBe('SIGTERM')
    expect(output()).toContain('1 events that ingest did not take')
  })

  test.each(['own-sigterm', 'own-sigterm-once'])(
    'that the application listens to is left to it, the events are sent at once (%s)',
    async (feature) => {
      const { child, port, ended, output } = await start(slow, feature)
      await openssl(port)
      child.kill('SIGTERM')
      await until(() => sink.stored.length === 1)
      await until(() => output().includes('the application was told'))
      if (feature === 'own-sigterm') expect(await ended).toBe(7)
      else {
        // It goes on serving, and being observed.
        await openssl(port)
        await until(() => sink.stored.length === 2)
        expect(child.exitCode).toBeNull()
      }
    },
  )

  test('brings no warning however many servers are observed', async () => {
    const { child, port, ended, output } = await start({}, 'many-servers')
    await openssl(port)
    child.kill('SIGTERM')
    expect(await ended).toBe('SIGTERM')
    expect(sink.stored).toHaveLength(1)
    expect(output()).not.toMatch(/MaxListeners/)
  })

  test('is none of the agent’s business when so told', async () => {
    const { child, ended } = await start({ ...slow, stopOnSigterm: false })
    child.kill('SIGTERM')
    expect(await ended).toBe('SIGTERM')
  })
})

describe('the natural end of the process', () => {
  test('is not held up, and the last events are sent before it', async () => {
    const { port, ended } = await start(slow, 'one-connection')
    running[0]?.disconnect()
    await openssl(port)
    expect(await ended).toBe(0)
    expect(sink.stored).toEqual([expect.objectContaining({ state: 'active' })])
  })

  test('comes after one drain, also when ingest is away', async () => {
    sink.handle(({ request }) => request.socket.destroy())
    const { port, ended } = await start({ ...slow, drainTimeout: 200 }, 'one-connection')
    running[0]?.disconnect()
    await openssl(port)
    expect(await ended).toBe(0)
  })
})

describe('a spool directory', () => {
  const directory = () => scratchFolder('spool')

  test('brings every batch through kill -9, once, under its own numbers', async () => {
    const spool = { directory: directory() }
    // Stored, but the agent never hears of it: the next run must send it again, and ingest know it.
    sink.handle(({ store }) => store())
    const first = await start({ spool, batch: { events: 1, delay: 20 } })
    for (let count = 0; count < 5; count += 1) await rawClient(first.port, (socket) => socket.end())
    await until(
      () => sink.stored.length === 1 && batchFiles(spool.directory) === 5,
      '5 batches spooled, 1 under way',
    )
    first.child.kill('SIGKILL')
    await first.ended
    sink.handle(({ accept }) => accept())
    const second = await start({ spool })
    await until(() => sink.stored.length === 5)
    await openssl(second.port)
    await until(() => sink.stored.length === 6)
    expect(new Set(sink.stored.map(({ id }) => id)).size).toBe(6)
    const [before, again] = sink.requests
    expect(again).toMatchObject({ epoch: before?.epoch, sequence: 1, body: before?.body })
    expect(sink.requests.slice(1, 6).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5])
    await until(() => batchFiles(spool.directory) === 0)
  })

  test.each(['/proc/nope', '/dev/null/nope'])(
    'that cannot be written to (%s) changes neither the end nor the exit code',
    async (directory) => {
      const options = { ...slow, spool: { directory }, drainTimeout: 200 }
      sink.handle(() => undefined)
      const exits = await start(options)
      await openssl(exits.port)
      await silentClient(exits.port)
      exits.child.send('exit')
      expect(await exits.ended).toBe(5)
      const ends = await start(options)
      await openssl(ends.port)
      ends.child.kill('SIGTERM')
      expect(await ends.ended).toBe('SIGTERM')
      expect(ends.output()).toContain('the spool directory cannot be read')
    },
  )

  test('keeps what a process that calls exit() had not sent, with what was undecided', async () => {
    const spool = { directory: directory() }
    const first = await start({ ...slow, spool })
    await openssl(first.port)
    await silentClient(first.port)
    await rawClient(first.port, (socket) => socket.end())
    first.child.send('exit')
    expect(await first.ended).toBe(5)
    expect(sink.requests).toHaveLength(0)
    await start({ spool })
    await until(() => sink.stored.length === 3)
    expect(sink.stored).toContainEqual(expect.objectContaining({ ended_by: 'agent_stopped' }))
  })

  test('shared by several processes is sent once', async () => {
    const spool = { directory: directory() }
    sink.handle(() => undefined)
    const first = await start({ spool, batch: { events: 1, delay: 20 } })
    for (let count = 0; count < 8; count += 1) await rawClient(first.port, (socket) => socket.end())
    await until(() => batchFiles(spool.directory) === 8)
    first.child.kill('SIGKILL')
    await first.ended
    sink.handle(({ accept }) => accept())
    const before = sink.requests.length
    await Promise.all([1, 2, 3].map(() => start({ spool })))
    await until(() => sink.stored.length === 8)
    expect(sink.requests.slice(before).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })
})

function batchFiles(directory: string): number {
  return readdirSync(directory, { recursive: true }).filter((name) => String(name).endsWith('.batch')).length
}
