import type { Command } from 'commander'
import { parseConfig } from '../../core/runtime/config.ts'
import { startAll } from '../../core/runtime/lifecycle.ts'
import { parseDuration } from '../../core/runtime/quantity.ts'
import type { Feed } from '../../lab/simulator/index.ts'
import {
  type Divergence,
  type FiringAlert,
  fetchAlerts,
  fetchDivergences,
  fetchNetwork,
  fetchResolved,
  findingText,
} from '../demo/finding.ts'
import { createDemoTraffic, type DemoTraffic } from '../demo/traffic.ts'
import { endOfProcess } from '../end-of-process.ts'
import type { Io } from '../io.ts'
import { createPipeline } from '../pipeline.ts'
import { readerConnections } from '../reader-connections.ts'
import { withTemporaryFolder } from '../temporary-folder.ts'
import { UserError } from '../user-error.ts'

type Options = { port: string; healAfter?: string; once?: boolean; json?: boolean }

const LOOK_EVERY_MS = 5_000
/** Found within this time, or the demo says that it was not. */
const PATIENCE_MS = 300_000
/** A network counts as well again after some ten good minutes. */
const HEALING_MS = 1_200_000

export function registerDemo(program: Command, io: Io): void {
  program
    .command('demo')
    .description('a made-up edge with one broken network: see what is found')
    .option('-p, --port <port>', 'port on 127.0.0.1, 0 for any', '8080')
    .option(
      '--heal-after <duration>',
      'mend the network after so long, as 1m, and tell when its alert is over',
    )
    .option('--once', 'end when the broken network was found, or its alert is over')
    .option('--json', 'what was found, for programs; implies --once')
    .addHelpText(
      'after',
      `
Sends six hours of handshakes of some 300 real networks through the HTTP ingest, then goes on live. Twelve minutes
ago one mid-sized network broke: its path swallows large packets, so that large ClientHellos never arrive. Nothing tells
the detector which one. The data lies in a temporary folder that is removed at the end.`,
    )
    .action((options: Options) => withTemporaryFolder('demo', (folder) => demo(options, folder, io)))
}

async function demo(
  { port, healAfter, once = false, json = false }: Options,
  folder: string,
  io: Io,
): Promise<void> {
  const say = json ? io.error : io.print
  const stopFeed = new AbortController()
  const log = io.logger('warn')
  const end = endOfProcess()
  say('making up the edge: its networks, its clients, six hours of their handshakes …')
  const now = Date.now()
  const healsAt = healAfter === undefined ? undefined : now + durationOf(healAfter)
  const traffic = createDemoTraffic({ now, healsAt, signal: stopFeed.signal })
  let feed: Feed | undefined
  const pipeline = createPipeline({
    config: configOf(port, folder),
    log,
    readers: readerConnections(io.env),
    onDeath: end.died,
    onAsnProgress: (share) => io.progress(`building the ASN database: ${Math.round(share * 100)} %`),
    beforeDetector: async (url) => {
      feed = traffic.feedTo(url)
      await sendHistory(feed, traffic, io, say)
    },
  })
  const running = await startAll(pipeline.components, { log })
  try {
    const live = feed?.follow({ signal: stopFeed.signal })
    live?.catch((error: unknown) => end.died('live traffic', error))
    const found = await Promise.race([untilFound(pipeline.url()), end.reached])
    if (!Array.isArray(found)) return
    const alerts = await Promise.race([untilAlerted(pipeline.url()), end.reached])
    if (!Array.isArray(alerts)) return
    if (!json) await show(found, alerts, pipeline.url(), once, io)
    const resolved =
      healsAt === undefined ? [] : await Promise.race([healed(pipeline.url(), healsAt, say), end.reached])
    if (!Array.isArray(resolved)) return
    if (json) io.print(JSON.stringify({ broken: traffic.victim, found, alerts, resolved }))
    else sayResolved(resolved, io)
    if (!once && !json) await end.reached
  } finally {
    stopFeed.abort()
    await running.stop()
  }
}

async function sendHistory(
  feed: Feed,
  traffic: DemoTraffic,
  io: Io,
  say: (text: string) => void,
): Promise<void> {
  const started = Date.now()
  let sent = 0
  let told = 0
  await feed.advance(started, ({ done, accepted }) => {
    sent = accepted
    const share = Math.floor(done * 100)
    io.progress(`sending six hours of handshakes: ${share} % · ${accepted.toLocaleString('en')}`)
    if (!io.isTerminal && share >= told + 25) {
      told = share
      say(`sending six hours of handshakes: ${share} %`)
    }
  })
  const seconds = ((Date.now() - started) / 1000).toFixed(0)
  say(
    `${sent.toLocaleString('en')} handshakes of ${traffic.networks} networks sent and stored in ${seconds} s`,
  )
}

/** Asks the API until it has an open divergence with its cause. */
async function untilFound(url: string): Promise<Divergence[]> {
  const deadline = Date.now() + PATIENCE_MS
  while (Date.now() < deadline) {
    const found = await fetchDivergences(url)
    if (found.length > 0) return found
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  throw new UserError(`nothing was found in ${PATIENCE_MS / 1000} s; that should not be: please report it`)
}

/** The shipped rule fires for what was found, when the minute of its opening is evaluated. */
async function untilAlerted(url: string): Promise<FiringAlert[]> {
  const deadline = Date.now() + PATIENCE_MS
  while (Date.now() < deadline) {
    const alerts = await fetchAlerts(url)
    if (alerts.length > 0) return alerts
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  throw new UserError(`no alert in ${PATIENCE_MS / 1000} s; that should not be: please report it`)
}

/** Once the network is whole: until no alert fires any more. */
async function healed(url: string, healsAt: number, say: (text: string) => void): Promise<FiringAlert[]> {
  say(`\nThe network is mended at ${clockTime(healsAt)}; its alert is over some ten minutes later.`)
  const deadline = Math.max(Date.now(), healsAt) + HEALING_MS
  while (Date.now() < deadline) {
    if ((await fetchAlerts(url)).length === 0) return fetchResolved(url)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  throw new UserError(`the alert still fires after ${HEALING_MS / 60_000} minutes; please report it`)
}

function sayResolved(resolved: readonly FiringAlert[], io: Io): void {
  for (const { rule, asn, resolved_at } of resolved)
    io.print(
      `\n${io.bold('Resolved:')} rule ${rule}, about AS${asn}, at ${(resolved_at ?? '').slice(11, 16)}.`,
    )
}

function clockTime(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16)
}

function durationOf(text: string): number {
  const duration = parseDuration(text)
  if (duration !== undefined) return duration
  throw new UserError(`--heal-after is ${JSON.stringify(text)}; allowed: a duration as 90s or 5m`)
}

async function show(
  found: readonly Divergence[],
  alerts: readonly FiringAlert[],
  url: string,
  once: boolean,
  io: Io,
): Promise<void> {
  const detailed = await Promise.all(
    found.map(async (divergence) => ({ divergence, network: await fetchNetwork(url, divergence) })),
  )
  const [first] = found
  io.print(`\n${findingText(detailed, io)}`)
  for (const { rule, severity, asn, fired_at } of alerts)
    io.print(
      `\n${io.bold('Alert:')} ${severity}, rule ${rule}, about AS${asn}, fires since ${fired_at.slice(11, 16)}.`,
    )
  if (once) return
  const network = `/v1/networks/${first?.asn}`
  const pages = [
    ['/', 'the page'],
    [network, 'the network'],
    [`${network}/causes`, 'why it fails'],
    ['/v1/divergences', 'what diverges'],
    ['/v1/alerts', 'what fires'],
    ['/docs', 'the whole API'],
  ] as const
  const width = Math.max(...pages.map(([path]) => path.length))
  const lines = pages.map(([path, what]) => `  ${url}${path.padEnd(width)}  ${what}`)
  io.print(`\nLook at it, live:\n${lines.join('\n')}\nStop it with Ctrl-C.`)
}

function configOf(port: string, folder: string) {
  const parsed = parseConfig({
    env: { HALFSHAKE_HTTP_LISTEN: `127.0.0.1:${port}`, HALFSHAKE_DATA_FOLDER: folder },
  })
  if (!parsed.ok) throw new UserError(`--port ${port} is not a port: a whole number from 0 to 65535`)
  return parsed.config
}
