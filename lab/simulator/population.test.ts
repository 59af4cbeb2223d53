import { isIP } from 'node:net'
import { expect, test } from 'vitest'
import { ipv4ToNumber } from './address.ts'
import { type AsnRange, readAsnRanges } from './asn-ranges.ts'
import { createPopulation, type SimulatedNetwork } from './population.ts'
import { rhythm } from './rhythm.ts'

const ranges = [...readAsnRanges()]
const population = createPopulation({ ranges })
const all = <T>(of: (network: SimulatedNetwork) => T[]) => population.networks.flatMap(of)

test('the same seed gives the same population, another seed another', () => {
  expect(createPopulation({ ranges })).toEqual(population)
  expect(createPopulation({ ranges, seed: 'other' }).networks[200]).not.toEqual(population.networks[200])
})

test('every client has an address that its network announces', () => {
  const inside = lookup(ranges)
  const clients = all(({ asn, clients }) => clients.map(({ address }) => ({ asn, address })))
  const others = [...population.scanners, population.bot].map(({ network, client }) => ({
    asn: network.asn,
    address: client.address,
  }))
  const astray = [...clients, ...others].filter(
    ({ asn, address }) => isIP(address) === 0 || inside(address) !== asn,
  )
  expect(astray).toEqual([])
})

test('volumes fall with the rank and add up to what was asked for', () => {
  const volumes = all(({ perMinute }) => [perMinute])
  expect(volumes).toHaveLength(300)
  expect(volumes).toEqual([...volumes].sort((a, b) => b - a))
  expect(volumes.reduce((sum, volume) => sum + volume, 0)).toBeCloseTo(700)
  expect((volumes[0] ?? 0) / (volumes[9] ?? 1)).toBeCloseTo(10 ** 0.9)
})

test('ordinary failure rates lie between 0.1 and 3 percent', () => {
  const rates = all(({ failureRate }) => [failureRate])
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(0.001)
  expect(Math.max(...rates)).toBeLessThanOrEqual(0.03)
})

test('about half of the clients offer a post-quantum group, in a ClientHello of 1500 bytes and more', () => {
  const clients = all(({ clients }) => [...clients])
  const postQuantum = clients.filter((client) => client.postQuantum)
  expect(postQuantum.length / clients.length).toBeCloseTo(0.5, 1)
  const sizes = (of: typeof clients) => of.map(({ helloBytes }) => helloBytes).sort((a, b) => a - b)
  const large = sizes(postQuantum)
  const small = sizes(clients.filter((client) => !client.postQuantum))
  expect([large.at(0), large.at(-1), small.at(0), small.at(-1)]).toEqual([1500, 1900, 300, 600])
})

test('both IP versions come, and round trips differ from network to network', () => {
  const clients = all(({ clients }) => [...clients])
  const ipv6 = clients.filter(({ address }) => address.includes(':')).length / clients.length
  expect(ipv6).toBeGreaterThan(0.15)
  expect(ipv6).toBeLessThan(0.6)
  const trips = all(({ rttMs }) => [rttMs]).sort((a, b) => a - b)
  expect(trips.at(0)).toBeLessThan(20)
  expect(trips.at(-1)).toBeGreaterThan(100)
})

test.each(['halfshake', 'a', 'b', 'c'])(
  'with the seed %s the network to break has 5 to 25 visits in every minute of the day',
  (seed) => {
    const { victim, bot } = createPopulation({ ranges, seed })
    for (let minute = 0; minute < 1440; minute += 60) {
      const visits = victim.perMinute * rhythm(victim, minute)
      expect(visits).toBeGreaterThanOrEqual(4.9)
      expect(visits).toBeLessThanOrEqual(25)
    }
    expect(victim.clients.length).toBeGreaterThanOrEqual(50)
    expect(bot.network.asn).not.toBe(victim.asn)
  },
)

test('ranges that hold too few networks are refused', () => {
  expect(() => createPopulation({ ranges: ranges.slice(0, 100) })).toThrow('300 are needed')
})

test('no ordinary network is taken twice', () => {
  expect(new Set(all(({ asn }) => [asn])).size).toBe(300)
})

/** Which ASN announces an address, by binary search in the ranges. */
function lookup(ranges: readonly AsnRange[]): (address: string) => number | undefined {
  const sorted = ranges
    .map(({ first, last, asn }) => ({ first: numberOf(first), last: numberOf(last), asn }))
    .sort((a, b) => (a.first < b.first ? -1 : 1))
  return (address) => {
    const value = numberOf(address)
    let low = 0
    for (let high = sorted.length; low < high; ) {
      const middle = (low + high) >> 1
      if ((sorted[middle]?.first ?? 0n) <= value) low = middle + 1
      else high = middle
    }
    const found = sorted[low - 1]
    return found !== undefined && value <= found.last ? found.asn : undefined
  }
}

/** A number for any address: IPv6 as it is, IPv4 below all of them. */
function numberOf(address: string): bigint {
  if (!address.includes(':')) return BigInt(ipv4ToNumber(address))
  const [left = '', right] = address.split('::')
  const groups = (text: string) => text.split(':').filter((group) => group !== '')
  const zeros = right === undefined ? 0 : 8 - groups(left).length - groups(right).length
  const whole = [...groups(left), ...Array<string>(zeros).fill('0'), ...groups(right ?? '')]
  return whole.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n)
}
