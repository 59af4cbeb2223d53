import type { Host, Network } from '../../network/index.ts'

/** A network of clients: one prefix of each IP version, real and public, known inside the namespaces only. */
export type ClientNetwork = { asn: number; ipv4: string; ipv6: string }

export type Topology = {
  server: Host
  /** Where the server listens. */
  serverAddresses: { ipv4: string; ipv6: string }
  healthy: Host
  broken: Host
  /** Narrows the link behind the broken network to 1400 bytes. */
  breakPath(): Promise<void>
}

const NARROW_MTU = 1400
/** Addresses of documentation for the server (RFC 5737, RFC 3849), of private networks for the cables. */
const SERVER = { ipv4: '192.0.2.2', ipv6: '2001:db8::2' }

type Cable = { ipv4: readonly [string, string]; ipv6: readonly [string, string] }

/**
 *     healthy ─────────────── router ── server
 *     broken ── provider ──────┘
 *                        ↑ 1500 bytes, then 1400; provider and router send no ICMP "packet too big"
 */
export async function buildTopology(
  network: Network,
  { healthy, broken }: { healthy: ClientNetwork; broken: ClientNetwork },
): Promise<Topology> {
  const server = await network.addHost('server')
  const router = await network.addHost('router')
  const provider = await network.addHost('provider')
  const healthyClients = await network.addHost('healthy')
  const brokenClients = await network.addHost('broken')

  const toServer = {
    ipv4: ['192.0.2.1', SERVER.ipv4],
    ipv6: ['2001:db8::1', SERVER.ipv6],
  } as const
  await connect(network, router, server, toServer)
  await connect(network, router, healthyClients, cable(1))
  const narrow = await connect(network, router, provider, cable(2))
  await connect(network, provider, brokenClients, cable(3))

  for (const hop of [router, provider]) {
    await hop.forward()
    await hop.dropIcmp()
  }
  await route(server, toServer, 0, ['default', 'default'])
  await route(provider, cable(2), 0, ['default', 'default'])
  await own(healthyClients, healthy, cable(1))
  await own(brokenClients, broken, cable(3))
  await route(router, cable(1), 1, [healthy.ipv4, healthy.ipv6])
  await route(router, cable(2), 1, [broken.ipv4, broken.ipv6])
  await route(provider, cable(3), 1, [broken.ipv4, broken.ipv6])
  return {
    server,
    serverAddresses: SERVER,
    healthy: healthyClients,
    broken: brokenClients,
    breakPath: () => narrow.setMtu(NARROW_MTU),
  }
}

function cable(number: number): Cable {
  return {
    ipv4: [`10.0.${number}.1`, `10.0.${number}.2`],
    ipv6: [`fd00:${number}::1`, `fd00:${number}::2`],
  }
}

function connect(network: Network, a: Host, b: Host, { ipv4, ipv6 }: Cable) {
  const end = (host: Host, at: 0 | 1) => ({ host, addresses: [`${ipv4[at]}/30`, `${ipv6[at]}/64`] })
  return network.addLink(end(a, 0), end(b, 1))
}

/** Routes IPv4 and IPv6 destinations over a cable, to its first or second end. */
async function route(
  host: Host,
  { ipv4, ipv6 }: Cable,
  to: 0 | 1,
  destinations: readonly [string, string],
): Promise<void> {
  await host.addRoute(destinations[0], ipv4[to])
  await host.addRoute(destinations[1], ipv6[to])
}

/** Gives a host of clients its prefixes and the way out. */
async function own(host: Host, { ipv4, ipv6 }: ClientNetwork, out: Cable): Promise<void> {
  await host.ownPrefix(ipv4)
  await host.ownPrefix(ipv6)
  await route(host, out, 0, ['default', 'default'])
}
