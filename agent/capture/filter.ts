import { readFileSync } from 'node:fs'

/** A record of data that is as long as this, or longer, is bulk; tickets and alerts, which TLS 1.3 hides as data, are shorter. */
const BULK_BYTES = 1_200
/** A TCP header with timestamps, in the upper half of its byte: with more there is a selective acknowledgement. */
const WITH_TIMESTAMPS = 0x80
const FIN_SYN_RST = 7
/** The first two bytes of a record: change of cipher, alert, handshake; and data (RFC 8446 section 5.1). */
const RECORDS = ['0x1403', '0x1503', '0x1603']
const DATA_RECORD = '0x1703'
/** "HT": how a server begins that speaks HTTP without TLS. */
const PLAIN_HTTP = '0x4854'

/** Where things stand in a packet, in the words of pcap-filter(7), which knows TCP behind IPv4 only. */
const IPV4 = {
  family: 'ip',
  flags: 'tcp[13]',
  offset: 'tcp[12]',
  length: 'ip[2:2] - ((ip[0] & 0xf) << 2) - ((tcp[12] & 0xf0) >> 2)',
  payload: 'tcp[((tcp[12] & 0xf0) >> 2):2]',
}
const IPV6 = {
  family: 'ip6',
  flags: 'ip6[53]',
  offset: 'ip6[52]',
  length: 'ip6[4:2] - ((ip6[52] & 0xf0) >> 2)',
  payload: 'ip6[40 + ((ip6[52] & 0xf0) >> 2):2]',
}

/**
 * What of the traffic of these server ports the kernel is to hand over: all that the client says, and of the server what
 * belongs to a handshake by how it begins. So what begins in the middle of a record stays out, which nearly all of a
 * download does, and so do bare acknowledgements of the client, one for every few segments of data. What they would have
 * told is told by what the server does not repeat.
 */
export function captureFilter(ports: readonly number[], { vlan }: { vlan: boolean }): string {
  const filter = [IPV4, IPV6].map((ip) => `(${wanted(ports, ip)})`).join(' or ')
  // A VLAN tag moves what comes behind it, so it is asked for both.
  return vlan ? `(${filter}) or (vlan and (${filter}))` : filter
}

/** Whether packets of this interface can have VLAN tags. Where they cannot, tcpdump refuses a filter that asks for one. */
export function hasVlans(name: string): boolean {
  if (name === 'any') return false
  try {
    return ETHERNET.has(readFileSync(`/sys/class/net/${name}/type`, 'utf8').trim())
  } catch {
    // Not Linux, or no such interface, of which tcpdump has more to say.
    return true
  }
}

/** ARPHRD_ETHER and ARPHRD_LOOPBACK of linux/if_arp.h; tunnels have no Ethernet header. */
const ETHERNET = new Set(['1', '772'])

function wanted(ports: readonly number[], { family, flags, offset, length, payload }: typeof IPV4): string {
  const opens = `${flags} & ${FIN_SYN_RST} != 0`
  const fromClient = `${length} != 0 or ${offset} & 0xf0 > ${WITH_TIMESTAMPS}`
  const records = [...RECORDS, PLAIN_HTTP].map((bytes) => `${payload} = ${bytes}`).join(' or ')
  const shortData = `(${payload} = ${DATA_RECORD} and ${length} < ${BULK_BYTES})`
  const fromServer = `${length} = 0 or ${records} or ${shortData}`
  const anyOf = (side: 'src' | 'dst') => ports.map((port) => `tcp ${side} port ${port}`).join(' or ')
  const client = `(${anyOf('dst')}) and (${opens} or ${fromClient})`
  const server = `(${anyOf('src')}) and (${opens} or ${fromServer})`
  return `${family} and ((${client}) or (${server}))`
}
