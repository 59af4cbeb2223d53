/**
 * Events enriched per CPU-second, in this process alone: address, network, prefix, client hash, conclusion, row.
 * Beside it, in the same run and on the same events, the loop that a person would write first: JSON.parse, a look-up
 * with `maxmind` and its own cache, JSON.stringify. Reading the lines is measured with ours, too, to be fair.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AsnResponse, open } from 'maxmind'
import { Registry } from 'prom-client'
import { parseEvents } from '../../core/event/index.ts'
import { createLogger } from '../../core/runtime/log.ts'
import { ensureAsnDatabase } from '../../enricher/asn-database.ts'
import { createEnricher, type EnrichableBatch } from '../../enricher/enrich.ts'
import { createNetworkLookup } from '../../enricher/lookup.ts'
import { describeMachine, markdownTable, thousands } from '../machine.ts'
import { createBatches, type WireBatch } from '../pipeline/events.ts'

const AGENTS = 20
const BATCHES = 10
const EVENTS = 1_000
const ROUNDS = 5

type Contestant = {
  name: string
  /** Before each round, not measured. */
  prepare?: () => void
  run: (batch: WireBatch, parsed: EnrichableBatch) => number
}

const folder = await mkdtemp(join(tmpdir(), 'halfshake-bench-'))
try {
  console.log('building the ASN database and the batches …')
  const { path, version } = await ensureAsnDatabase({ dataFolder: folder })
  const wire = createBatches(AGENTS, BATCHES, EVENTS, Date.now())
  const parsed = wire.map(parse)
  const contestants = [await ours(path), await oursAnew(path), await oursWithReading(path), await peer(path)]
  const best = new Map<string, number>()
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const contestant of contestants) {
      const seconds = cpuOf(contestant, wire, parsed)
      console.log(`${contestant.name}: ${seconds.toFixed(2)} CPU-seconds`)
      best.set(contestant.name, Math.min(seconds, best.get(contestant.name) ?? Number.POSITIVE_INFINITY))
    }
  }
  const table = report(best, version)
  console.log(`\n${table}`)
  await writeFile(join(import.meta.dirname, 'RESULTS.md'), table)
} finally {
  await rm(folder, { recursive: true })
}

async function ours(databasePath: string): Promise<Contestant> {
  const { enrich } = (await enricherFactory(databasePath))()
  return { name: 'Halfshake: enrich', run: (_, batch) => enrich(batch).length }
}

/** As after a start or a new database: every address is looked up and hashed once in the round. */
async function oursAnew(databasePath: string): Promise<Contestant> {
  const create = await enricherFactory(databasePath)
  let enricher = create()
  return {
    name: 'Halfshake: enrich, no address remembered',
    prepare() {
      enricher = create()
    },
    run: (_, batch) => enricher.enrich(batch).length,
  }
}

async function enricherFactory(databasePath: string) {
  const log = createLogger({ level: 'warn' })
  const lookup = createNetworkLookup({ databasePath, log, registry: new Registry() })
  await lookup.start()
  const prefix = { ipv4: 24, ipv6: 48 }
  return () => createEnricher({ lookup, prefix, truncateAddresses: false, clientKey: Buffer.from('bench') })
}

async function oursWithReading(databasePath: string): Promise<Contestant> {
  const { enrich } = (await enricherFactory(databasePath))()
  return {
    name: 'Halfshake: parse, validate, enrich',
    run: (batch) => enrich(parse(batch)).length,
  }
}

async function peer(databasePath: string): Promise<Contestant> {
  const reader = await open<AsnResponse>(databasePath)
  return {
    name: 'a loop: JSON.parse, maxmind, JSON.stringify',
    run({ plain }) {
      let bytes = 0
      for (const line of plain.toString('utf8').split('\n')) {
        if (line === '') continue
        const event = JSON.parse(line) as { source_address: string }
        const found = reader.get(event.source_address)
        bytes += JSON.stringify({
          ...event,
          asn: found?.autonomous_system_number ?? 0,
          network: found?.autonomous_system_organization ?? '',
        }).length
      }
      return bytes
    },
  }
}

function parse({ agent, sequence, plain }: WireBatch): EnrichableBatch {
  const events = parseEvents(plain).events.flatMap(({ line, event }) =>
    event.state === 'new' ? [] : [{ line, event }],
  )
  return { agent, epoch: 1, sequence, received_at: Date.now(), bus_partition: 0, bus_offset: 0, events }
}

function cpuOf(
  { prepare, run }: Contestant,
  wire: readonly WireBatch[],
  parsed: readonly EnrichableBatch[],
): number {
  prepare?.()
  const before = process.cpuUsage()
  let sum = 0
  wire.forEach((batch, at) => {
    const own = parsed[at]
    if (own !== undefined) sum += run(batch, own)
  })
  const { user, system } = process.cpuUsage(before)
  if (sum === 0) throw new Error('nothing was done')
  return (user + system) / 1e6
}

function report(best: ReadonlyMap<string, number>, version: string): string {
  const events = AGENTS * BATCHES * EVENTS
  const rows = [...best].map(([name, seconds]) => [
    name,
    thousands(events / seconds),
    ((seconds / events) * 1e6).toFixed(2),
  ])
  return `# Enricher

${thousands(events)} events of 20,000 clients by Zipf's law, 5 % of them failed handshakes with TCP_INFO; best of ${ROUNDS} rounds,
each path in turn, garbage collection counted. Measured with \`npm run bench -- enricher\`.

${describeMachine({ '@ip-location-db/asn': version })}

${markdownTable(['path', 'events per CPU-second', 'µs per event'], rows)}
`
}
