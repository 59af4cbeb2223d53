import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { type Command, InvalidArgumentError } from 'commander'
import {
  CaptureError,
  captureFilter,
  createFlows,
  type Decided,
  hasVlans,
  readCapture,
  startCapture,
} from '../../agent/capture/index.ts'
import { conclude } from '../../enricher/conclude.ts'
import { endOfProcess } from '../end-of-process.ts'
import { fileText } from '../file-text.ts'
import type { Io } from '../io.ts'
import { table } from '../table.ts'
import { UserError } from '../user-error.ts'

const MAX_FLOWS = 100_000
const GZIP_MAGIC = 0x1f8b
const INTERFACES = '/sys/class/net'

type Common = { port?: number[]; handshakeTimeout: number; filtered?: boolean }

export function registerCapture(program: Command, io: Io): void {
  program
    .command('pcap')
    .description('read captures (pcap, pcapng, also gzip) and say what became of each TLS handshake, and why')
    .argument('<file...>', 'captures; - is standard input')
    .option(
      '-p, --port <ports>',
      "the server's ports, as 443,8443; without it whoever sends the SYN is the client",
      ports,
    )
    .option('--handshake-timeout <ms>', 'how long a handshake may take', milliseconds, 10_000)
    .option('--filtered', 'they were made with the filter that "halfshake capture --show-filter" shows')
    .option('--json', 'a line for each handshake, for programs')
    .action(async (files: string[], { json = false, ...options }: Common & { json?: boolean }) => {
      for (const file of files) await readFile(io, file, options, json)
    })

  program
    .command('capture')
    .description(
      'watch an interface (through tcpdump; Linux, root) and send what becomes of each handshake to ingest',
    )
    .requiredOption('-i, --interface <name>', 'the interface, as "ip link" shows it, or any')
    .option('-p, --port <ports>', "the server's ports", ports, [443])
    .option('-u, --url <url>', 'where ingest listens', 'http://127.0.0.1:8080')
    .option('--token-file <file>', 'file that holds a token with the scope ingest')
    .option('-a, --agent <name>', "this agent's name; the same after a restart")
    .option('-s, --site <name>', 'where the server stands, as you call it')
    .option('--spool <folder>', 'keep what ingest does not take in a folder instead of in memory')
    .option('--handshake-timeout <ms>', 'how long a handshake may take', milliseconds, 10_000)
    .option('--show-filter', 'print the filter for tcpdump instead, to capture with it elsewhere')
    .action((options: CaptureFlags) => {
      if (options.showFilter !== true) return watch(io, options)
      return io.print(captureFilter(options.port, { vlan: hasVlans(options.interface) }))
    })
}

type CaptureFlags = {
  interface: string
  port: number[]
  url: string
  tokenFile?: string
  agent?: string
  site?: string
  spool?: string
  handshakeTimeout: number
  showFilter?: boolean
}

async function watch(io: Io, flags: CaptureFlags): Promise<void> {
  const { tokenFile, agent, site, spool, url } = flags
  const end = endOfProcess()
  const capture = startCapture({
    interface: flags.interface,
    ports: flags.port,
    report: {
      url,
      ...(tokenFile === undefined ? {} : { token: fileText('--token-file', tokenFile).trim() }),
      ...(agent === undefined ? {} : { agent }),
      ...(site === undefined ? {} : { site }),
      ...(spool === undefined ? {} : { spool: { directory: spool } }),
    },
    handshakeTimeout: flags.handshakeTimeout,
    maxFlows: MAX_FLOWS,
    onMessage: io.error,
  })
  let hasStarted = false
  try {
    await capture.started
    hasStarted = true
    io.print(
      `Capturing TCP port ${flags.port.join(', ')} on ${flags.interface}; events go to ${url}. Stop it with Ctrl-C.`,
    )
    await Promise.race([end.reached, capture.failed])
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error
    throw new UserError(`${error.message}${otherInterfaces(flags.interface)}`)
  } finally {
    await capture.close()
    const { segments, decided, shed, delivered } = capture.counts()
    if (hasStarted)
      io.print(
        `${segments} segments, ${decided} handshakes decided, ${delivered} delivered, ${shed} given up.`,
      )
  }
}

/** tcpdump says neither which device it does not find nor which there are. */
function otherInterfaces(name: string): string {
  if (name === 'any' || !existsSync(INTERFACES) || existsSync(join(INTERFACES, name))) return ''
  return `; --interface is ${name}, there are ${readdirSync(INTERFACES).join(', ')} and any`
}

async function readFile(
  io: Io,
  file: string,
  { port = [], handshakeTimeout, filtered = false }: Common,
  json: boolean,
): Promise<void> {
  let count = 0
  const run = `pcap-${Date.now().toString(36)}`
  const nextId = () => {
    count += 1
    return `${run}.${count}`
  }
  const flows = createFlows({
    ports: port,
    handshakeTimeout,
    filtered,
    maxFlows: MAX_FLOWS,
    site: undefined,
    nextId,
  })
  const decided: Decided[] = []
  try {
    for await (const some of readCapture(openCapture(file), flows)) {
      if (json) {
        if (some.length > 0) io.print(some.map(lineOf).join('\n'))
        await io.drained()
      } else for (const one of some) decided.push(one)
    }
  } catch (error) {
    throw new UserError(`${file}: ${(error as Error).message}`)
  }
  if (json) return
  const { packets, shed, untimed, cutOff } = flows.counts
  const left = [
    shed > 0 ? `, ${shed} given up` : '',
    untimed > 0 ? `, ${untimed} packets without a time left out` : '',
    cutOff > 0 ? `; cut off: ${cutOff} bytes at its end make no whole packet` : '',
  ]
  const handshakes = `${decided.length} ${decided.length === 1 ? 'handshake' : 'handshakes'}`
  io.print(io.bold(`${file}: ${packets} packets, ${handshakes}${left.join('')}`))
  if (decided.length > 0) io.print(table(HEADER, decided.map(cellsOf), io))
}

function lineOf({ event, ja4 }: Decided): string {
  return JSON.stringify({ ...event, ja4, conclusion: conclude(event) })
}

const HEADER = [
  'client',
  'server',
  'server name',
  'hello',
  'outcome',
  'stage',
  'cause',
  'confidence',
  'JA4',
  'evidence',
]

function cellsOf({ event, ja4 = '' }: Decided): (string | number)[] {
  const { outcome, stage, cause, confidence, evidence } = conclude(event)
  return [
    `${event.source_address}:${event.source_port}`,
    `${event.destination_address}:${event.destination_port}`,
    event.server_name ?? '',
    event.hello_bytes ?? 0,
    outcome,
    stage,
    cause,
    confidence,
    // A protocol name in it may be any two bytes.
    ja4.replace(/\p{Cc}/gu, '�'),
    evidence,
  ]
}

/** A capture's bytes, unzipped where they are zipped. @throws Error when there are none, or the zipped ones break off. */
async function* openCapture(file: string): AsyncGenerator<Buffer> {
  const raw: Readable = file === '-' ? process.stdin : createReadStream(file)
  const chunks = raw[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const first = await chunks.next()
  if (first.done === true) throw new Error('empty: not even the header of a capture')
  async function* all() {
    yield first.value as Buffer
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
  }
  const zipped = first.value.length >= 2 && first.value.readUInt16BE(0) === GZIP_MAGIC
  yield* zipped ? gunzip(all()) : all()
}

async function* gunzip(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of Readable.from(chunks).pipe(createGunzip())) yield chunk as Buffer
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'Z_BUF_ERROR') throw error
    throw new Error('the gzip data is cut off; what there is of it: zcat FILE | halfshake pcap -')
  }
}

function ports(text: string): number[] {
  const list = text.split(',').map((part) => Number(part.trim()))
  if (list.every((port) => Number.isInteger(port) && port > 0 && port < 65_536)) return list
  throw new InvalidArgumentError('ports are numbers from 1 to 65535, separated by commas')
}

function milliseconds(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 100 && value <= 600_000) return value
  throw new InvalidArgumentError('a whole number of milliseconds from 100 to 600000')
}
