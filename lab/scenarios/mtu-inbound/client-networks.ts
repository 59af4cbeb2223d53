import { ipv6Site, numberToIpv4 } from '../../simulator/address.ts'
import type { AsnRange } from '../../simulator/asn-ranges.ts'
import { randomOf } from '../../simulator/random.ts'
import { survey } from '../../simulator/survey.ts'
import type { ClientNetwork } from './topology.ts'

/** A real /24 and /48 of each system, as the ranges have them. @throws when one has none of either. */
export function findClientNetworks<K extends string>(
  ranges: Iterable<AsnRange>,
  asns: Record<K, number>,
): Record<K, ClientNetwork> {
  const systems = survey(ranges, randomOf('lab'))
  const find = (asn: number): ClientNetwork => {
    const [ipv4] = systems.get(asn)?.ipv4 ?? []
    const [ipv6] = systems.get(asn)?.ipv6 ?? []
    if (ipv4 === undefined || ipv6 === undefined) throw new Error(`no /24 and /48 known of AS${asn}`)
    const site = ipv6Site(ipv6)
    const groups = [Math.floor(site / 2 ** 32), Math.floor(site / 65_536) % 65_536, site % 65_536]
    return {
      asn,
      ipv4: `${numberToIpv4(ipv4.first)}/24`,
      ipv6: `${groups.map((group) => group.toString(16)).join(':')}::/48`,
    }
  }
  // The same keys with another kind of value.
  return Object.fromEntries(Object.entries<number>(asns).map(([key, asn]) => [key, find(asn)])) as Record<
    K,
    ClientNetwork
  >
}
