import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type DecidingEvent, isDeciding, parseEvents } from '../../core/event/index.ts'
import type { Conclusion } from '../../core/store/handshake-row.ts'
import { type Host, type Network, withNetwork } from '../network/index.ts'
import { nodeProgram } from '../node-program.ts'
import { protocolsFor } from '../scenarios/mtu-inbound/hello.ts'
import { type Certificates, makeCertificates, SERVER_NAME } from './certificates.ts'
import type {
  Attempt,
  CaptureOrders,
  ClientKind,
  ClientMessage,
  ClientOrders,
  ServerMessage,
  ServerOrders,
} from './messages.ts'
import type { Scenario, Verdict } from './scenarios.ts'
import { addressOf, buildPath, type Path, SERVER } from './topology.ts'

/** The enricher's judgement, given by whoever runs the lab: the lab itself imports no step. */
export type Conclude = (event: DecidingEvent) => Conclusion

/** What one observer said of one attempt, and whether that is right. */
export type Finding = {
  scenario: string
  observer: string
  client: ClientKind
  version: 'ipv4' | 'ipv6'
  right: readonly Verdict[]
  /** '' when the observer saw nothing of it. */
  concluded: Verdict
  confidence: string
  evidence: string
  ok: boolean
}

const PORT = 443
const INGEST_PORT = 8080
const HANDSHAKE_TIMEOUT_MS = 8_000
/** Clients wait longer than the server, or it is they who give up. */
const PATIENCE_MS = 25_000
/** From a client's last packet until the server's kernel and program have dealt with it. */
const SETTLE_MS = 500
const VERSIONS = ['ipv4', 'ipv6'] as const
/** The agent in the server, and the one that captures beside it. */
export const OBSERVERS = ['node', 'capture'] as const

/** Runs the scenarios, some side by side, one as often as it is named, and tells the findings as they come. @throws LabError */
export async function runMatrix({
  scenarios,
  conclude,
  sideBySide,
  onDone,
  signal,
}: {
  scenarios: readonly Scenario[]
  conclude: Conclude
  sideBySide: number
  onDone: (scenario: Scenario, findings: readonly Finding[]) => void
  signal?: AbortSignal | undefined
}): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'halfshake-lab-'))
  try {
    const certificates = await makeCertificates(folder)
    const queue = [...scenarios.entries()]
    const all: Finding[] = []
    const work = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [number, scenario] = next
        const findings = await withNetwork(
          (network) => runScenario(scenario, { network, number, certificates, conclude }),
          { signal },
        )
        onDone(scenario, findings)
        all.push(...findings)
      }
    }
    await Promise.all(Array.from({ length: sideBySide }, work))
    return all
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runScenario(
  scenario: Scenario,
  {
    network,
    number,
    certificates,
    conclude,
  }: { network: Network; number: number; certificates: Certificates; conclude: Conclude },
): Promise<Finding[]> {
  const path = await buildPath(network, number)
  await scenario.fault?.(path)
  const seen: { observer: string; event: DecidingEvent }[] = []
  const server = start(path.server, './server', serverOrders(scenario, certificates), (message) => {
    if (message.kind !== 'batch') return
    const { events } = parseEvents(Buffer.from(message.body))
    for (const { event } of events) if (isDeciding(event)) seen.push({ observer: message.agent, event })
  })
  await server.told('listening')
  const capture = start(
    path.server,
    './capture',
    captureOrders(path, scenario, certificates),
    () => undefined,
  )
  await capture.told('listening')
  const attempts = attemptsOf(scenario, certificates)
  const client = start(path.client, './client', { attempts } satisfies ClientOrders, () => undefined)
  await client.told('done')
  // What the last of them did is on its way to the server.
  await pause(SETTLE_MS)
  server.child.send('stop')
  await server.told('stopped')
  await pause(SETTLE_MS)
  capture.child.send('stop')
  await capture.told('stopped')
  await pause(SETTLE_MS)
  server.child.send('end')
  return findingsOf(scenario, attempts, seen, conclude)
}

function serverOrders({ server }: Scenario, certificates: Certificates): ServerOrders {
  return {
    pair: certificates.ecdsa,
    port: PORT,
    ingestPort: INGEST_PORT,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    ...server?.(certificates),
  }
}

/** A capture does not know the server's deadline, and waits a little longer. */
function captureOrders({ far }: Path, scenario: Scenario, certificates: Certificates): CaptureOrders {
  const { handshakeTimeout } = serverOrders(scenario, certificates)
  return {
    device: `to-${far.name}`,
    port: PORT,
    ingest: `http://127.0.0.1:${INGEST_PORT}`,
    handshakeTimeout: handshakeTimeout + 2_000,
  }
}

function attemptsOf(scenario: Scenario, certificates: Certificates): Attempt[] {
  const { clients, client, largeHello = false, times = 1 } = scenario
  const each = clients.flatMap((kind) =>
    VERSIONS.flatMap((version) => Array.from({ length: times }, () => ({ kind, version }))),
  )
  return each.map(({ kind, version }, i) => ({
    kind,
    from: addressOf(version, i + 1),
    to: SERVER[version],
    port: PORT,
    serverName: SERVER_NAME,
    ca: certificates.ca,
    protocols: protocolsFor(largeHello ? 'large' : 'small'),
    patience: PATIENCE_MS,
    ...client?.(certificates),
  }))
}

function findingsOf(
  scenario: Scenario,
  attempts: readonly Attempt[],
  seen: readonly { observer: string; event: DecidingEvent }[],
  conclude: Conclude,
): Finding[] {
  const observers = scenario.observers ?? OBSERVERS
  return observers.flatMap((observer) =>
    attempts.map(({ kind, from }): Finding => {
      const events = seen.filter(
        (one) => one.observer === observer && sameAddress(one.event.source_address, from),
      )
      const conclusions = events.map(({ event }) => conclude(event))
      const [first] = conclusions
      const concluded = conclusions.map(verdictOf).join(' and ')
      const right = rightFor(scenario, kind, observer)
      return {
        scenario: scenario.name,
        observer,
        client: kind,
        version: from.includes(':') ? 'ipv6' : 'ipv4',
        right,
        concluded,
        confidence: first?.confidence ?? '',
        evidence: first?.evidence ?? '',
        ok: right.includes(concluded),
      }
    }),
  )
}

/** A server that listens on both versions reports IPv4 as ::ffff:a.b.c.d. */
function sameAddress(reported: string, from: string): boolean {
  return reported.replace(/^::ffff:/, '') === from
}

function verdictOf({ outcome, stage, cause }: Conclusion): Verdict {
  return cause === '' ? `${outcome}/${stage}` : `${outcome}/${stage}/${cause}`
}

function rightFor({ right }: Scenario, client: ClientKind, observer: string): readonly Verdict[] {
  return typeof right === 'function' ? right(client, observer) : right
}

type Program<Message> = {
  child: ChildProcess
  told(kind: Message extends { kind: infer K } ? K : never): Promise<void>
}

const KEPT = 4_000

/** A program of the lab in a namespace. What it is waited for comes, or it has ended and what it wrote is thrown. */
function start(
  host: Host,
  name: './server',
  orders: ServerOrders,
  onMessage: (message: ServerMessage) => void,
): Program<ServerMessage>
function start(
  host: Host,
  name: './capture',
  orders: CaptureOrders,
  onMessage: (message: ServerMessage) => void,
): Program<ServerMessage>
function start(
  host: Host,
  name: './client',
  orders: ClientOrders,
  onMessage: (message: ClientMessage) => void,
): Program<ClientMessage>
function start(
  host: Host,
  name: './server' | './client' | './capture',
  orders: ServerOrders | ClientOrders | CaptureOrders,
  onMessage: (message: never) => void,
): Program<ServerMessage | ClientMessage> {
  const args = [...nodeProgram(import.meta.url, name), JSON.stringify(orders)]
  const child = host.spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let written = ''
  child.stderr?.on('data', (chunk) => {
    written = (written + String(chunk)).slice(-KEPT)
  })
  const heard = new Set<string>()
  child.on('message', (message: { kind: string }) => {
    heard.add(message.kind)
    onMessage(message as never)
    child.emit(`told-${message.kind}`)
  })
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${name.slice(2)} in ${host.namespace} ended (${signal ?? code}): ${written.trim()}`)
  })
  ended.catch(() => {})
  return {
    child,
    async told(kind) {
      if (heard.has(kind)) return
      await Promise.race([once(child, `told-${kind}`), ended])
    },
  }
}
