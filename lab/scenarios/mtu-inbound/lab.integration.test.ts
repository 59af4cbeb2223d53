import { createServer } from 'node:http'
import { type AddressInfo, BlockList, isIPv6 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClosedEvent, type ConnectionEvent, parseEvents } from '../../../core/event/index.ts'
import { withNetwork } from '../../network/index.ts'
import { readAsnRanges } from '../../simulator/asn-ranges.ts'
import { findClientNetworks } from './client-networks.ts'
import { PARTS, type Part, startLab } from './lab.ts'
import type { ClientMessage } from './messages.ts'
import type { ClientNetwork } from './topology.ts'

/**
 * The lab without a pipeline: what real clients, a real path and the real agent give, before anything is concluded.
 * One run of half a minute, looked at by all tests.
 */

const DEADLINE = 2500
const BROKEN_VISITS = 30

type Phase = 'before' | 'breaking' | 'after' | 'end'
type Visit = ClientMessage & { part: Part; phase: Phase }

const clients = findClientNetworks(readAsnRanges(), { healthy: 3320, broken: 1136 })
const prefixes = { healthy: blockListOf(clients.healthy), broken: blockListOf(clients.broken) }
const visits: Visit[] = []
const events: ConnectionEvent[] = []
let brokenAt = 0
let endedAt = 0

const sink = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const { events: got, refused } = parseEvents(
    request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body,
  )
  expect(refused).toEqual([])
  expect(request.headers.authorization).toBe('Bearer secret')
  events.push(...got.map(({ event }) => event))
  response
    .writeHead(202)
    .end(JSON.stringify({ accepted: got.length, rejected: 0, duplicate: false, errors: [] }))
})

beforeAll(async () => {
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`
  let phase: Phase = 'before'
  await withNetwork(async (network) => {
    const lab = await startLab({
      network,
      clients,
      ingest: { url, token: 'secret' },
      handshakeTimeout: DEADLINE,
      visitsPerSecond: 4,
      onVisit: (part, visit) => visits.push({ ...visit, part, phase }),
    })
    await Promise.race([until(() => ofPhase('before').length >= 2 * BROKEN_VISITS), lab.failed])
    phase = 'breaking'
    await lab.breakPath()
    // What is under way now may have begun on the sound path.
    await sleep(2 * DEADLINE)
    brokenAt = Date.now()
    phase = 'after'
    await until(
      () =>
        ofPhase('after').filter(({ part, size }) => part === 'broken' && size === 'large').length >=
        BROKEN_VISITS,
    )
    // Handshakes that the server's end cuts off say nothing.
    phase = 'end'
    endedAt = Date.now()
    await lab.stop()
  })
}, 120_000)

afterAll(() => {
  sink.closeAllConnections()
  sink.close()
})

test('on a sound path every client completes, whichever program and size', () => {
  expect(ofPhase('before').filter(({ ok }) => !ok)).toEqual([])
  const kinds = new Set(ofPhase('before').map(({ part, program, size }) => `${part} ${program} ${size}`))
  expect(kinds.size).toBe(8)
})

test.each(['node', 'openssl'])(
  'behind the hole %s completes with small ClientHellos and never with large ones',
  (program) => {
    const its = ofPhase('after').filter((visit) => visit.part === 'broken' && visit.program === program)
    const small = its.filter(({ size }) => size === 'small')
    const large = its.filter(({ size }) => size === 'large')
    expect(small.length).toBeGreaterThan(0)
    expect(small.filter(({ ok }) => !ok)).toEqual([])
    expect(large.length).toBeGreaterThan(5)
    expect(large.filter(({ ok }) => ok)).toEqual([])
  },
)

test('the healthy network completes all the while', () => {
  const its = ofPhase('after').filter(({ part }) => part === 'healthy')
  expect(its.length).toBeGreaterThan(10)
  expect(its.filter(({ ok }) => !ok)).toEqual([])
})

test('every handshake the clients tried has its event, from the address of its network', () => {
  for (const part of PARTS) {
    // At the end the server is gone before the clients are: what they try then reaches nobody.
    const tried = visits.filter((visit) => visit.part === part && visit.phase !== 'end')
    const seen = events.filter(({ source_address }) => partOf(source_address) === part)
    expect(seen.length).toBeGreaterThanOrEqual(tried.length)
  }
  expect(events.filter(({ source_address }) => partOf(source_address) === undefined)).toEqual([])
})

test('the agent reports the hole: nothing read, a segment arrived, out of order', () => {
  const stalls = failures().filter(({ ended_by }) => ended_by === 'timeout')
  expect(stalls.length).toBeGreaterThan(BROKEN_VISITS / 2)
  for (const event of stalls) {
    expect(partOf(event.source_address)).toBe('broken')
    expect(event).toMatchObject({ bytes_in: 0, bytes_out: 0 })
    expect(event.tcp_segs_in).toBeGreaterThanOrEqual(1)
    expect(event.tcp_ooo).toBeGreaterThanOrEqual(1)
  }
  expect(
    new Set(stalls.map(({ source_address }) => source_address.replace('::ffff:', '').includes(':'))),
  ).toEqual(new Set([true, false]))
})

test('nothing else fails', () => {
  // What the server's end cut off may bear a date some milliseconds before it: other processes date their events.
  const own = ['timeout', 'agent_stopped']
  expect(failures().filter(({ ended_by }) => !own.includes(ended_by))).toEqual([])
})

test('large ClientHellos have the size of a post-quantum one', () => {
  const sizes = events.filter(({ state }) => state === 'active').map(({ bytes_in }) => bytes_in)
  // What the server reads until the handshake is done: the hello and the client's Finished, 80 bytes.
  const large = sizes.filter((size) => size > 1000)
  expect(large.length).toBeGreaterThan(20)
  expect(Math.min(...large)).toBeGreaterThan(1500)
  expect(Math.max(...large)).toBeLessThan(2100)
  expect(Math.max(...sizes.filter((size) => size <= 1000))).toBeLessThan(700)
})

function ofPhase(phase: Phase): Visit[] {
  return visits.filter((visit) => visit.phase === phase)
}

function failures(): ClosedEvent[] {
  return events.filter(
    (event): event is ClosedEvent =>
      event.state === 'closed' && event.opened_at >= brokenAt && event.decided_at < endedAt,
  )
}

function partOf(address: string): Part | undefined {
  const plain = address.replace('::ffff:', '')
  return PARTS.find((part) => prefixes[part].check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4'))
}

function blockListOf({ ipv4, ipv6 }: ClientNetwork): BlockList {
  const list = new BlockList()
  for (const [prefix, family] of [
    [ipv4, 'ipv4'],
    [ipv6, 'ipv6'],
  ] as const) {
    const [network = '', length] = prefix.split('/')
    list.addSubnet(network, Number(length), family)
  }
  return list
}

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await sleep(50)
}
