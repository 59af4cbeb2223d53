import type { Host, Link, Network } from '../network/index.ts'

/**
 *     client ── near ── far ── server
 *                    ↑ the hop that faults are put on; near and far send no ICMP "packet too big"
 */
export type Path = {
  client: Host
  near: Host
  far: Host
  server: Host
  hop: Link
}

export const SERVER = { ipv4: '192.0.2.2', ipv6: '2001:db8:2::2' } as const
const CLIENT = { ipv4: '198.51.100.2', ipv6: '2001:db8:1::2' } as const
/** Each attempt comes from an address of its own, by which its events are known again. */
const CLIENTS = { ipv4: '203.0.113.0/24', ipv6: '2001:db8:c::/48' } as const
const NEAR_OF_CLIENT = { ipv4: '198.51.100.1', ipv6: '2001:db8:1::1' } as const
const FAR_OF_SERVER = { ipv4: '192.0.2.1', ipv6: '2001:db8:2::1' } as const
const HOP = {
  near: { ipv4: '10.0.0.1', ipv6: 'fd00::1' },
  far: { ipv4: '10.0.0.2', ipv6: 'fd00::2' },
} as const

type Addresses = { ipv4: string; ipv6: string }

/** `number` tells the hosts of paths apart that stand side by side. */
export async function buildPath(network: Network, number: number): Promise<Path> {
  const client = await network.addHost(`client${number}`)
  const near = await network.addHost(`near${number}`)
  const far = await network.addHost(`far${number}`)
  const server = await network.addHost(`server${number}`)
  const end = (host: Host, { ipv4, ipv6 }: Addresses) => ({ host, addresses: [`${ipv4}/30`, `${ipv6}/64`] })
  await network.addLink(end(client, CLIENT), end(near, NEAR_OF_CLIENT))
  const hop = await network.addLink(end(near, HOP.near), end(far, HOP.far))
  await network.addLink(end(far, FAR_OF_SERVER), end(server, SERVER))
  for (const host of [near, far]) {
    await host.forward()
    await host.dropIcmp()
  }
  await route(client, ['default', 'default'], NEAR_OF_CLIENT)
  await route(server, ['default', 'default'], FAR_OF_SERVER)
  await route(near, ['192.0.2.0/30', '2001:db8:2::/64'], HOP.far)
  await client.ownPrefix(CLIENTS.ipv4)
  await client.ownPrefix(CLIENTS.ipv6)
  await route(far, [CLIENTS.ipv4, CLIENTS.ipv6], HOP.near)
  await route(near, [CLIENTS.ipv4, CLIENTS.ipv6], CLIENT)
  return { client, near, far, server, hop }
}

/** The address that an attempt of this number comes from. */
export function addressOf(version: keyof Addresses, number: number): string {
  return version === 'ipv4' ? `203.0.113.${number}` : `2001:db8:c::${number.toString(16)}`
}

async function route(host: Host, [ipv4, ipv6]: readonly [string, string], via: Addresses): Promise<void> {
  await host.addRoute(ipv4, via.ipv4)
  await host.addRoute(ipv6, via.ipv6)
}
