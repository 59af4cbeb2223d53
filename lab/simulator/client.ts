import type { TlsVersion } from '../../core/event/index.ts'
import { ipv6In, ipv6Site, numberToIpv4 } from './address.ts'
import type { Random } from './random.ts'
import type { Announced } from './survey.ts'

/** A client: one address and one TLS library, the same at every visit. */
export type Client = {
  address: string
  tlsVersion: TlsVersion
  cipher: string
  alpn: string
  /** Length of its ClientHello; 1500–1900 with a post-quantum key share, 300–600 without. */
  helloBytes: number
  postQuantum: boolean
}

const BLOCKS = { least: 2, most: 12 }
const SITES_IPV6 = 4
const CIPHERS_13 = [
  ['TLS_AES_128_GCM_SHA256', 6],
  ['TLS_AES_256_GCM_SHA384', 3],
  ['TLS_CHACHA20_POLY1305_SHA256', 1],
] as const
const CIPHERS_12 = [
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 5],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 4],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 1],
] as const

/** Clients in a handful of the network's /24s and /48s. */
export function createClients({
  random,
  system,
  count,
  ipv6Share,
  postQuantumShare,
}: {
  random: Random
  system: Announced
  count: number
  ipv6Share: number
  postQuantumShare: number
}): [Client, ...Client[]] {
  const blocks = chooseBlocks(random, system, count)
  const sites = system.ipv6.slice(0, SITES_IPV6).map(ipv6Site)
  const create = (): Client => {
    const address =
      sites.length > 0 && random.chance(ipv6Share) ? ipv6Address(random, sites) : ipv4Address(random, blocks)
    return { address, ...createTls(random, postQuantumShare) }
  }
  return [create(), ...Array.from({ length: count - 1 }, create)]
}

function createTls(random: Random, postQuantumShare: number): Omit<Client, 'address'> {
  // Who offers a post-quantum group is a current browser: TLS 1.3 and HTTP/2.
  if (random.chance(postQuantumShare)) {
    return {
      tlsVersion: 'TLSv1.3',
      cipher: random.weighted(CIPHERS_13),
      alpn: 'h2',
      helloBytes: 1500 + random.below(401),
      postQuantum: true,
    }
  }
  const modern = random.chance(0.75)
  return {
    tlsVersion: modern ? 'TLSv1.3' : 'TLSv1.2',
    cipher: random.weighted(modern ? CIPHERS_13 : CIPHERS_12),
    alpn: random.chance(0.5) ? 'h2' : 'http/1.1',
    helloBytes: 300 + random.below(301),
    postQuantum: false,
  }
}

/** First addresses of some /24s of the network: more for one with more clients. */
function chooseBlocks(random: Random, system: Announced, clients: number): number[] {
  const count = Math.min(BLOCKS.most, BLOCKS.least + Math.round(Math.log2(clients / 10)))
  return Array.from({ length: count }, () => {
    const run = system.ipv4[random.below(system.ipv4.length)]
    if (run === undefined) throw new Error(`AS${system.asn} announces no IPv4 addresses`)
    return run.first + 256 * random.below(run.blocks)
  })
}

function ipv4Address(random: Random, blocks: readonly number[]): string {
  return numberToIpv4((blocks[random.below(blocks.length)] ?? 0) + 1 + random.below(254))
}

function ipv6Address(random: Random, sites: readonly number[]): string {
  const groups = Array.from({ length: 4 }, () => random.below(65_536))
  return ipv6In(sites[random.below(sites.length)] ?? 0, random.below(65_536), groups)
}
