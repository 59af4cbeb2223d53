import type { TcpFacts } from '../../core/event/event.ts'

/** What the kernel knows of the connections named: by `connectionKey`. */
export type TcpReadings = Map<string, TcpFacts>

/** Names a connection as both `ss` and Node can: server's port, client's address and port. */
export function connectionKey(
  localPort: number | string,
  peerAddress: string,
  peerPort: number | string,
): string {
  return `${localPort} ${plainAddress(peerAddress)} ${peerPort}`
}

/**
 * An address without what one side prints and the other does not: brackets, zone (`fe80::1%eth0`), and the prefix of
 * an IPv4 address on an IPv6 socket (`::ffff:192.0.2.1`).
 */
export function plainAddress(address: string): string {
  const plain = address
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
    .toLowerCase()
  return plain.startsWith('::ffff:') && plain.includes('.') ? plain.slice('::ffff:'.length) : plain
}

/**
 * Parses the output of `ss -tinOH state connected`: a line a socket, its two addresses and then `name:value` words of
 * `struct tcp_info`. iproute2 leaves out counters that are 0, so those are 0 here when absent. A line without any
 * `tcp_info` (`ss` without netlink reads /proc) gives nothing.
 */
export function parseSs(output: string): TcpReadings {
  const readings: TcpReadings = new Map()
  for (const line of output.split('\n')) {
    const [, local, peer] = /^\S+\s+\d+\s+\d+\s+(\S+)\s+(\S+)/.exec(line) ?? []
    if (local === undefined || peer === undefined || !line.includes(' rtt:')) continue
    const { address, port } = splitEndpoint(peer)
    readings.set(connectionKey(splitEndpoint(local).port, address, port), factsIn(line))
  }
  return readings
}

function factsIn(line: string): TcpFacts {
  const words = new Map<string, string>()
  for (const word of line.split(/\s+/)) {
    const colon = word.indexOf(':')
    if (colon > 0) words.set(word.slice(0, colon), word.slice(colon + 1))
  }
  const count = (name: string) => wholeNumber(words.get(name)) ?? 0
  const facts: TcpFacts = {
    tcp_segs_in: count('data_segs_in'),
    tcp_segs_out: count('data_segs_out'),
    tcp_ooo: count('rcv_ooopack'),
    tcp_bytes_acked: count('bytes_acked'),
    tcp_unacked: count('unacked'),
    tcp_lost: count('lost'),
    tcp_sacked: count('sacked'),
    // retrans:NOW/EVER
    tcp_retrans: wholeNumber(words.get('retrans')?.split('/')[1]) ?? 0,
  }
  const rtt = Number.parseFloat(words.get('rtt') ?? '')
  if (rtt >= 0) facts.tcp_rtt_us = Math.round(rtt * 1000)
  const mss = wholeNumber(words.get('mss'))
  if (mss !== undefined) facts.tcp_mss = mss
  const pmtu = wholeNumber(words.get('pmtu'))
  if (pmtu !== undefined) facts.tcp_pmtu = pmtu
  return facts
}

function splitEndpoint(endpoint: string): { address: string; port: string } {
  const colon = endpoint.lastIndexOf(':')
  return { address: endpoint.slice(0, colon), port: endpoint.slice(colon + 1) }
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
