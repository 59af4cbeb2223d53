import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createCertificate } from '../testing/certificate.ts'
import { createFlows } from './flows.ts'
import { createPacketReader } from './pcap.ts'
import { converse, type Draft, FLAG, pcapOf, type Said, segmentsOf } from './testing.ts'

/** Captures that lack something, or hold it twice, never say that a handshake failed that did not. */

const CONVERSATIONS: Record<string, () => Promise<Said[]>> = {
  'TLS 1.3': () => converse(),
  'TLS 1.2': () => converse({}, { maxVersion: 'TLSv1.2' }),
  'a HelloRetryRequest': () => converse({ ecdhCurve: 'P-384' }, { ecdhCurve: 'X25519:P-384' }),
  'a client certificate': () => converse({ requestCert: true, rejectUnauthorized: false }, ownCertificate()),
  'a version that the server refused': () => converse({ minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }),
  'a cipher that the server refused': () =>
    converse({ ...OF_12, ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }, { ...OF_12, ciphers: 'AES128-SHA' }),
}
const OF_12 = { maxVersion: 'TLSv1.2' } as const

/** What a capture can do to the packets: each of these many times over. */
const DAMAGES: Record<string, (all: readonly Draft[], at: number) => Draft[]> = {
  'ends early': (all, at) => all.slice(0, at),
  'begins late': (all, at) => all.slice(at),
  'lacks a packet': (all, at) => all.filter((_, i) => i !== at),
  'has one of them twice': (all, at) => all.flatMap((one, i) => (i === at ? [one, one] : [one])),
  'has two of them swapped': swapped,
}

const conversations = new Map<string, Said[]>()
beforeAll(async () => {
  for (const [name, start] of Object.entries(CONVERSATIONS)) conversations.set(name, await start())
})

describe.each(Object.keys(CONVERSATIONS))('of a handshake with %s, a capture', (name) => {
  it.each(Object.keys(DAMAGES))('that %s tells what became of it, or that it cannot know', (kind) => {
    const damage = DAMAGES[kind] as (typeof DAMAGES)[string]
    for (const { filtered, segments } of capturesOf(name)) {
      const [whole] = fatesOf(segments, { filtered })
      expect(whole).toMatch(/^(active|alert)/)
      for (let at = 1; at < segments.length; at += 1) {
        const packets = damage(segments, at)
        const where = `packet ${at} of ${segments.length}, filtered: ${filtered}`
        const fates = fatesOf(packets, { filtered, ends: kind === 'ends early' })
        expect(fates.length, where).toBeLessThanOrEqual(1)
        for (const fate of fates) if (!fate.startsWith('capture_')) expect(fate, where).toBe(whole)
      }
    }
  })

  it('that sees each packet twice is as good, wherever the handshake stops', () => {
    for (const { filtered, segments } of capturesOf(name)) {
      for (let end = 1; end <= segments.length; end += 1) {
        const some = segments.slice(0, end)
        const twice = some.flatMap((one) => [one, { ...one, at: one.at + 1 }])
        const [event] = eventsOf(some, { filtered })
        expect(eventsOf(twice, { filtered })).toEqual([{ ...event, decided_at: expect.any(Number) }])
      }
    }
  })

  it.each([54, 60, 66, 96, 128, 200])('that keeps %i bytes of each packet', (kept) => {
    for (const { filtered, segments } of capturesOf(name)) {
      const [whole] = fatesOf(segments, { filtered })
      for (const fate of fatesOf(segments, { filtered, kept }))
        if (!fate.startsWith('capture_')) expect(fate).toBe(whole)
    }
  })
})

/** Both sides close at the end. With large segments and smaller ones, and as the kernel's filter leaves them. */
function capturesOf(name: string): { filtered: boolean; segments: Draft[] }[] {
  return [1_448, 536].flatMap((mss) => {
    const segments = withEnd(segmentsOf(conversations.get(name) ?? [], { mss }))
    return [
      { filtered: false, segments },
      { filtered: true, segments: segments.filter(passesFilter) },
    ]
  })
}

/** As `captureFilter` has it. */
function passesFilter({ by, flags, bytes }: Draft): boolean {
  if ((flags & (FLAG.syn | FLAG.fin | FLAG.rst)) !== 0) return true
  if (by === 'client') return bytes.length > 0
  const [type = 0, version] = bytes
  return (
    bytes.length === 0 || (type >= 20 && type <= 23 && version === 3 && (type < 23 || bytes.length < 1_200))
  )
}

function withEnd(segments: Draft[]): Draft[] {
  const last = segments.at(-1) as Draft
  const next = (by: Draft['by']) =>
    (segments.findLast((one) => one.by === by) as Draft).sequence + lengthOf(by)
  const lengthOf = (by: Draft['by']) => (segments.findLast((one) => one.by === by) as Draft).bytes.length
  const [client, server] = [next('client') >>> 0, next('server') >>> 0]
  const fin = { flags: FLAG.fin | FLAG.ack, bytes: Buffer.alloc(0) }
  return [
    ...segments,
    { ...fin, by: 'client', sequence: client, acknowledged: server, at: last.at + 5 },
    { ...fin, by: 'server', sequence: server, acknowledged: client + 1, at: last.at + 10 },
  ]
}

function swapped(all: readonly Draft[], at: number): Draft[] {
  const packets = [...all]
  const [before, after] = [all[at - 1], all[at]] as [Draft, Draft]
  packets[at - 1] = { ...after, at: before.at }
  packets[at] = { ...before, at: after.at }
  return packets
}

type Reading = { filtered: boolean; ends?: boolean; kept?: number }

function eventsOf(segments: readonly Draft[], { filtered, ends = false, kept = Infinity }: Reading) {
  const flows = createFlows({
    ...{ ports: [443], handshakeTimeout: 10_000, filtered, maxFlows: 100, site: undefined },
    nextId: () => 'c.1',
  })
  const packets = createPacketReader().push(pcapOf(segments))
  const cut = packets.map((packet) => ({ ...packet, end: Math.min(packet.end, packet.start + kept) }))
  const decided = cut.flatMap((packet) => flows.push(packet))
  if (!ends) decided.push(...flows.tick((segments.at(-1)?.at ?? 0) + 20_000))
  return [...decided, ...flows.end()].map(({ event }) => event)
}

function fatesOf(segments: readonly Draft[], reading: Reading): string[] {
  return eventsOf(segments, reading).map((event) => {
    if (event.state === 'active') return 'active'
    return event.ended_by === 'error' ? `${event.error}` : `${event.ended_by} ${event.alert ?? ''}`
  })
}

function ownCertificate() {
  const { keyFile, certFile } = createCertificate()
  return { key: readFileSync(keyFile), cert: readFileSync(certFile) }
}
