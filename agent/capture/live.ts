import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '../clock.ts'
import { createIdentity } from '../identity.ts'
import { createOnce } from '../log.ts'
import { readOptions } from '../options.ts'
import { createReporter, type Reporter } from '../reporter/reporter.ts'
import { CaptureError } from './capture-error.ts'
import { captureFilter, hasVlans } from './filter.ts'
import { createFlows, type FlowCounts, type Flows } from './flows.ts'
import { createPacketReader } from './pcap.ts'

export type CaptureOptions = {
  interface: string
  /** The server's ports. */
  ports: readonly number[]
  /** Where ingest listens, its token, and how the agent is called: as in `observe`. */
  report: { url: string; token?: string; agent?: string; site?: string; spool?: { directory?: string } }
  handshakeTimeout: number
  maxFlows: number
  /** Hears of what tcpdump says and of what is shed. */
  onMessage: (text: string) => void
}

export type Capture = {
  /** Resolves when tcpdump listens. @throws CaptureError with what it says instead. */
  started: Promise<void>
  /** Rejects when the capture ends by itself. */
  failed: Promise<never>
  /** Ends tcpdump, decides what is open, sends what is left. */
  close(): Promise<void>
  counts(): FlowCounts & { reported: number; delivered: number }
}

const TICK_MS = 250
const DRAIN_MS = 3_000
const HANDED_OVER_MS = 1_100
const SHED_EVERY_MS = 10_000

/**
 * Captures on an interface through tcpdump, which does it with as little privilege as it can: it opens the interface
 * and becomes another user. Nothing else of the agent runs with more than its own rights.
 */
export function startCapture(options: CaptureOptions): Capture {
  const { ports, handshakeTimeout, maxFlows, onMessage } = options
  const said = (_fields: object, message: string) => onMessage(message)
  const log = { debug: () => undefined, info: () => undefined, warn: said, error: said }
  const settings = readOptions(options.report, { agent: 'capture', log })
  const { epoch, nextId } = createIdentity(Date.now())
  const once_ = createOnce()
  const reporter = createReporter({ settings, epoch, clock: systemClock, random: Math.random, once: once_ })
  const flows = createFlows({
    ports,
    handshakeTimeout,
    filtered: true,
    maxFlows,
    site: settings.site,
    nextId,
  })
  const child = spawn('tcpdump', argumentsOf(options), { stdio: ['ignore', 'pipe', 'pipe'] })
  const { started, failed } = follow(child, onMessage)
  feed(child, flows, reporter)
  // What the kernel has not handed over yet, or waits in the pipe since the last tick, is still to be heard.
  let heardUntil = 0
  const ticking = setInterval(() => {
    const now = Date.now() - HANDED_OVER_MS
    report(reporter, flows.tick(Math.min(heardUntil, now)))
    heardUntil = now
  }, TICK_MS)
  const shedding = sayWhatIsShed(flows, onMessage)
  let closing: Promise<void> | undefined
  return {
    started,
    failed,
    counts: () => ({
      ...flows.counts,
      reported: reporter.counts.reported,
      delivered: reporter.counts.delivered,
    }),
    close() {
      closing ??= close()
      return closing
    },
  }

  async function close(): Promise<void> {
    clearInterval(ticking)
    clearInterval(shedding)
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'close')
      // The kernel hands over what it has once a second, and tcpdump does not ask it once more when it is to end.
      await pause(HANDED_OVER_MS)
      child.kill('SIGINT')
      await gone
    }
    report(reporter, flows.end())
    await reporter.close(DRAIN_MS)
  }
}

function argumentsOf({ interface: name, ports }: CaptureOptions): string[] {
  const file = ['-U', '-s', '65535', '-w', '-']
  return ['-i', name, '-n', '-B', '16384', ...file, captureFilter(ports, { vlan: hasVlans(name) })]
}

function feed(child: ChildProcess, flows: Flows, reporter: Reporter): void {
  const packets = createPacketReader()
  child.stdout?.on('data', (chunk: Buffer) => {
    try {
      for (const packet of packets.push(chunk)) report(reporter, flows.push(packet))
    } catch (error) {
      child.stdout?.destroy(error as Error)
    }
  })
}

function report(reporter: Reporter, decided: ReturnType<Flows['end']>): void {
  for (const { event } of decided) reporter.report(event)
}

function follow(child: ChildProcess, onMessage: (text: string) => void): Pick<Capture, 'started' | 'failed'> {
  let written = ''
  let listening: () => void = () => undefined
  const listens = new Promise<void>((resolve) => {
    listening = resolve
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    const text = chunk.toString()
    written = (written + text).slice(-4_000)
    if (/listening on/.test(written)) listening()
    for (const line of text.split('\n'))
      if (/dropped by kernel/.test(line) && !/^0 /.test(line)) onMessage(line.trim())
  })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      const missing = error.code === 'ENOENT'
      reject(new CaptureError(missing ? 'tcpdump is not installed: apt-get install tcpdump' : error.message))
    })
    child.stdout?.once('error', reject)
    child.once('close', (code) => {
      const advice = /permission|not permitted/i.test(written) ? '; capturing needs root or CAP_NET_RAW' : ''
      reject(
        new CaptureError(`tcpdump ended with ${code}: ${written.trim().split('\n').at(-1) ?? ''}${advice}`),
      )
    })
  })
  failed.catch(() => undefined)
  return { started: Promise.race([listens, failed]), failed }
}

function sayWhatIsShed(flows: Flows, onMessage: (text: string) => void): NodeJS.Timeout {
  let told = 0
  return setInterval(() => {
    const { shed } = flows.counts
    if (shed > told) onMessage(`${shed - told} connections were given up because too many began at once`)
    told = shed
  }, SHED_EVERY_MS).unref()
}
