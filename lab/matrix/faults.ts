import type { Path } from './topology.ts'

/** What is done to a path before anybody connects. */
export type Fault = (path: Path) => Promise<void>

const PORT = 443
const HOLE_MTU = 1400
/** A packet that carries data is larger than its headers: 20 or 40 bytes of IP, 32 of TCP with its timestamps; a SYN has more options. */
const DATA = [
  'tcp flags & syn == 0 meta nfproto ipv4 meta length > 52',
  'tcp flags & syn == 0 meta nfproto ipv6 meta length > 72',
] as const

/** Packets above 1400 bytes vanish between near and far, both ways, and no ICMP says so. */
export const mtuHole: Fault = ({ hop }) => hop.setMtu(HOLE_MTU)

/** The same hole, where the far side tells both ends beforehand to send smaller segments. */
export const clampedHole: Fault = async (path) => {
  await mtuHole(path)
  await forward(path, 'tcp flags syn tcp option maxseg size set 1200')
}

/** The same hole, and a server whose kernel tries smaller segments by itself (RFC 4821). */
export const probedHole: Fault = async (path) => {
  await mtuHole(path)
  await path.server.run('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/tcp_mtu_probing'])
}

/** Data from the client is lost, all of it. */
export const deadInbound: Fault = (path) => forwardData(path, `tcp dport ${PORT}`)

/** Data from the server is lost, all of it. */
export const deadOutbound: Fault = (path) => forwardData(path, `tcp sport ${PORT}`)

/** A box that drops the first large segment of each connection, and no other. */
export const firstLargeLost: Fault = (path) =>
  forward(path, `tcp dport ${PORT} meta length > 1000 ct mark 0 ct mark set 1 drop`)

/** The first SYN-ACK is lost, then all of the client's data that comes in segments of less than full size. */
export const tailLost: Fault = async (path) => {
  await forward(path, 'tcp flags & (syn | ack) == (syn | ack) ct mark 0 ct mark set 1 drop')
  await forwardData(path, `tcp dport ${PORT} meta length < 1300`)
}

/** A box between that ends the connection when the server answers the ClientHello: its reset goes to the server. */
export const resetAfterHello: Fault = (path) =>
  forwardData(path, `tcp sport ${PORT}`, 'reject with tcp reset')

/**
 * Each packet is lost with this probability, either way, but for the client's SYN: of a connection of which every SYN is lost
 * (at 30 % one in four hundred) nobody at the server could conclude anything.
 */
export function randomLoss(percent: number): Fault {
  return (path) => forward(path, `tcp flags & (syn | ack) != syn numgen random mod 100 < ${percent} drop`)
}

/**
 * Two in five packets, either way, take a slow lane, in which each waits 12 ms for every full-size one before it: those of the
 * fast lane overtake them, and no two take the same time. As netem would do it, with what every kernel has.
 */
export const reordered: Fault = async ({ near, far }) => {
  for (const [host, other] of [
    [near, far],
    [far, near],
  ] as const) {
    const device = `to-${other.name}`
    const lane = (id: string, rate: string[]) =>
      host.run('tc', ['class', 'add', 'dev', device, 'parent', '1:', 'classid', id, 'htb', 'rate', ...rate])
    await host.run('tc', ['qdisc', 'add', 'dev', device, 'root', 'handle', '1:', 'htb', 'default', '10'])
    await lane('1:10', ['1gbit'])
    await lane('1:20', ['1mbit', 'burst', '1600'])
    await nft(host, 'forward', `oifname ${device} numgen random mod 100 < 40 meta priority set 1:20`)
  }
}

/** The client's kernel never answers the SYN-ACK: all that the server sees is a SYN. */
export const synOnly: Fault = ({ client }) =>
  nft(client, 'input', `tcp sport ${PORT} tcp flags & (syn | ack) == (syn | ack) drop`)

function forward({ far }: Path, rule: string): Promise<void> {
  return nft(far, 'forward', rule)
}

async function forwardData(path: Path, direction: string, verdict = 'drop'): Promise<void> {
  for (const data of DATA) await forward(path, `${direction} ${data} ${verdict}`)
}

async function nft(host: Path['far'], hook: 'forward' | 'input', rule: string): Promise<void> {
  await host.run('nft', ['add', 'table', 'inet', 'fault'])
  await host.run('nft', ['add', 'chain', 'inet', 'fault', hook, `{ type filter hook ${hook} priority 0 ; }`])
  await host.run('nft', ['add', 'rule', 'inet', 'fault', hook, rule])
}
