import { ipv4ToNumber } from './address.ts'
import type { AsnRange } from './asn-ranges.ts'
import type { Random } from './random.ts'

/** What is kept of an autonomous system: its size and a sample of where its addresses are. */
export type Announced = {
  asn: number
  /** IPv4 addresses in all. */
  addresses: number
  /** Runs of whole /24s: first address and how many /24s. */
  ipv4: { first: number; blocks: number }[]
  /** First addresses of some of its IPv6 ranges; the /48 they begin is all in the range. */
  ipv6: string[]
}

const SAMPLE = 8
const BLOCK = 256

/** Reads all ranges once and keeps a sample of each system, so that the half million need not stay in memory. */
export function survey(ranges: Iterable<AsnRange>, random: Random): Map<number, Announced> {
  const systems = new Map<number, Announced & { seen: { ipv4: number; ipv6: number } }>()
  for (const { first, last, asn } of ranges) {
    if (asn === 0) continue
    let system = systems.get(asn)
    if (system === undefined) {
      system = { asn, addresses: 0, ipv4: [], ipv6: [], seen: { ipv4: 0, ipv6: 0 } }
      systems.set(asn, system)
    }
    if (first.includes(':')) {
      if (!holdsItsFirst48(first, last)) continue
      system.seen.ipv6 += 1
      const slot = slotFor(system.seen.ipv6, random)
      if (slot !== undefined) system.ipv6[slot] = first
      continue
    }
    const start = ipv4ToNumber(first)
    const from = Math.ceil(start / BLOCK) * BLOCK
    const end = ipv4ToNumber(last) + 1
    system.addresses += end - start
    const blocks = Math.floor((end - from) / BLOCK)
    if (blocks < 1) continue
    system.seen.ipv4 += 1
    const slot = slotFor(system.seen.ipv4, random)
    if (slot !== undefined) system.ipv4[slot] = { first: from, blocks }
  }
  return systems
}

/** Whether the whole of the first /48 is in the range: the rest of it may be somebody else's. */
function holdsItsFirst48(first: string, last: string): boolean {
  return /^([0-9a-f]+:){1,3}:$/.test(first) && last.endsWith(':ffff:ffff:ffff:ffff:ffff')
}

/** Reservoir sampling: where the latest of `seen` goes in the sample, if at all; each is equally likely to stay. */
function slotFor(seen: number, random: Random): number | undefined {
  const slot = seen <= SAMPLE ? seen - 1 : random.below(seen)
  return slot < SAMPLE ? slot : undefined
}
