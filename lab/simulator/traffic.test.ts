import { expect, test } from 'vitest'
import { checkEvent, type DecidingEvent } from '../../core/event/index.ts'
import { readAsnRanges } from './asn-ranges.ts'
import { createPopulation } from './population.ts'
import { MINUTE_MS } from './rhythm.ts'
import { createTraffic, type Incident } from './traffic.ts'

const population = createPopulation({ ranges: readAsnRanges() })
const { victim, bot } = population
const NOON = Math.floor(Date.UTC(2026, 5, 1, 12) / MINUTE_MS)

function eventsOf(
  minutes: number,
  { incidents = [], from = NOON }: { incidents?: Incident[]; from?: number } = {},
) {
  const traffic = createTraffic({ population, incidents })
  const events: DecidingEvent[] = []
  for (let minute = from; minute < from + minutes; minute += 1) {
    for (const batch of traffic.eventsOfMinute(minute)) events.push(...batch.events)
  }
  return events
}

const ordinary = eventsOf(120)
const addresses = new Set(victim.clients.map(({ address }) => address))
const ofVictim = (events: DecidingEvent[]) => events.filter((event) => addresses.has(event.source_address))
const failed = (event: DecidingEvent) => event.state === 'closed'
const share = (events: DecidingEvent[], is: (event: DecidingEvent) => boolean) =>
  events.filter(is).length / events.length

test('a minute is the same however often and in whatever order it is asked for', () => {
  const forward = createTraffic({ population })
  const first = [0, 1, 2].map((at) => forward.eventsOfMinute(NOON + at))
  const backward = createTraffic({ population })
  const second = [2, 1, 0].map((at) => backward.eventsOfMinute(NOON + at)).reverse()
  expect(second).toEqual(first)
  expect(forward.eventsOfMinute(NOON)).toEqual(first[0])
})

test('every event keeps the contract, is decided in its minute, and has an id of its own', () => {
  const refused = ordinary.flatMap((event) => {
    const checked = checkEvent({ ...event })
    return checked.ok ? [] : [checked.error]
  })
  expect(refused).toEqual([])
  expect(new Set(ordinary.map(({ id }) => id)).size).toBe(ordinary.length)
  for (const { events } of createTraffic({ population }).eventsOfMinute(NOON)) {
    const times = events.map(({ decided_at }) => decided_at)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    for (const time of times) expect(Math.floor(time / MINUTE_MS)).toBe(NOON)
  }
})

test('nothing is lost between the minutes: what begins is decided, in its minute or the next', () => {
  const longest = Math.max(...ordinary.map(({ opened_at, decided_at }) => decided_at - opened_at))
  expect(longest).toBeGreaterThan(10_000)
  expect(longest).toBeLessThan(MINUTE_MS)
  const minuteOf = (time: number) => Math.floor(time / MINUTE_MS)
  const carried = ordinary.filter((event) => minuteOf(event.opened_at) < minuteOf(event.decided_at))
  expect(carried.length).toBeGreaterThan(100)
})

test('an ordinary day: nine of ten complete, two sites or more report, every kind of end occurs', () => {
  expect(share(ordinary, failed)).toBeGreaterThan(0.02)
  expect(share(ordinary, failed)).toBeLessThan(0.1)
  const ends = new Set(ordinary.map((event) => (event.state === 'closed' ? event.ended_by : 'completed')))
  expect([...ends].sort()).toEqual(['alert', 'completed', 'error', 'fin', 'reset', 'timeout'])
  expect(new Set(ordinary.map(({ site }) => site))).toEqual(new Set(['fra1', 'iad1', 'sin1']))
  expect(new Set(ordinary.map(({ server_name }) => server_name)).size).toBe(4)
  expect(new Set(ordinary.map(({ tls_version }) => tls_version))).toEqual(
    new Set(['TLSv1.2', 'TLSv1.3', undefined]),
  )
})

test('networks fail in their ordinary measure, noise left aside', () => {
  const spoke = ordinary.filter(
    (event) => event.bytes_in > 0 && !/HTTP|WRONG_VERSION/.test(event.error ?? ''),
  )
  const rate = share(spoke, (event) => failed(event) && event.source_address !== bot.client.address)
  expect(rate).toBeGreaterThan(0.004)
  expect(rate).toBeLessThan(0.03)
})

test('the night is quieter than the evening', () => {
  const hour = (at: number) => eventsOf(10, { from: NOON - 720 + at * 60 }).length
  expect(hour(7)).toBeLessThan(0.6 * hour(19))
})

test('one client fails again and again in a network that is well', () => {
  const day = Array.from({ length: 24 }, (_, at) => eventsOf(2, { from: NOON + at * 60 })).flat()
  const his = day.filter(({ source_address, alert }) => source_address === bot.client.address && alert === 48)
  expect(his.length).toBeGreaterThan(10)
})

test('a broken path stops the ClientHellos that do not fit, and no others', () => {
  const from = (NOON + 10) * MINUTE_MS
  const events = ofVictim(eventsOf(70, { incidents: [{ from }] })).filter(
    ({ opened_at }) => opened_at >= from,
  )
  for (const event of events) {
    if (event.state === 'active') expect(event.hello_bytes).toBeLessThanOrEqual(600)
  }
  const stalls = events.filter((event) => failed(event) && event.tcp_ooo === 1)
  for (const event of stalls) {
    expect(event).toMatchObject({ ended_by: 'timeout', bytes_in: 0, bytes_out: 0 })
    expect(event.tcp_segs_in).toBeGreaterThanOrEqual(1)
    expect(event).not.toHaveProperty('hello_bytes')
  }
  // Half of the visits, and each of them three or four times over.
  expect(stalls.length / events.length).toBeGreaterThan(0.6)
  expect(events.filter(({ state }) => state === 'active').length).toBeGreaterThan(100)
})

test('the same stalls are unheard of before, elsewhere, and after it healed', () => {
  const [from, until] = [(NOON + 10) * MINUTE_MS, (NOON + 20) * MINUTE_MS]
  const events = eventsOf(40, { incidents: [{ from, until }] })
  const stalls = events.filter(({ tcp_ooo = 0 }) => tcp_ooo > 0)
  expect(stalls.length).toBeGreaterThan(50)
  expect(ofVictim(stalls)).toHaveLength(stalls.length)
  for (const { opened_at } of stalls) expect(opened_at >= from && opened_at < until).toBe(true)
})

test('another network is broken when it is named', () => {
  const other = population.networks[20]
  if (other === undefined) throw new Error('no such network')
  const stalls = eventsOf(20, { incidents: [{ asn: other.asn, from: NOON * MINUTE_MS }] }).filter(
    ({ tcp_ooo = 0 }) => tcp_ooo > 0,
  )
  const its = new Set(other.clients.map(({ address }) => address))
  expect(stalls.length).toBeGreaterThan(10)
  for (const { source_address } of stalls) expect(its.has(source_address)).toBe(true)
})
