import { readFileSync } from 'node:fs'
import { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, createSecureContext, TLSSocket, type TlsOptions } from 'node:tls'
import { createCertificate } from '../testing/certificate.ts'

/** Builders for tests of the capture: real TLS conversations, and packets around them. */

export type Said = { by: 'client' | 'server'; bytes: Buffer }

/** What a real client and a real server of Node say to each other until both are done with the handshake, or one gives up. */
export async function converse(server: TlsOptions = {}, client: ConnectionOptions = {}): Promise<Said[]> {
  const { keyFile, certFile } = createCertificate()
  const said: Said[] = []
  const [near, far] = pair(said)
  const context = createSecureContext({ key: readFileSync(keyFile), cert: readFileSync(certFile), ...server })
  const serving = new TLSSocket(far, { isServer: true, secureContext: context, ...server })
  const asking = connect({
    socket: near,
    servername: 'www.example.test',
    rejectUnauthorized: false,
    ...client,
  })
  for (const socket of [serving, asking]) socket.on('error', () => undefined)
  serving.on('secure', () => serving.write('hello'))
  await new Promise<void>((resolve) => {
    asking.once('data', () => resolve())
    asking.once('close', () => resolve())
    setTimeout(resolve, 500)
  })
  serving.destroy()
  asking.destroy()
  return said
}

function pair(said: Said[]): [Duplex, Duplex] {
  const end = (by: Said['by'], other: () => Duplex): Duplex =>
    new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        said.push({ by, bytes: Buffer.from(chunk) })
        setImmediate(() => other().push(chunk))
        done()
      },
    })
  const near: Duplex = end('client', () => far)
  const far: Duplex = end('server', () => near)
  return [near, far]
}

export type Draft = {
  by: 'client' | 'server'
  flags: number
  sequence: number
  acknowledged: number
  bytes: Buffer
  at: number
}

export const FLAG = { fin: 1, syn: 2, rst: 4, ack: 16 } as const
const CLIENT_START = 0xffff_fff0
const SERVER_START = 1_000
const START = 1_790_000_000_000

/** A conversation as segments: the handshake of TCP, then what was said, cut into pieces of `mss` bytes, all acknowledged. */
export function segmentsOf(said: readonly Said[], { mss = 1_448 } = {}): Draft[] {
  const next = { client: CLIENT_START, server: SERVER_START }
  const segments: Draft[] = []
  let at = START
  const add = (by: Said['by'], flags: number, bytes: Buffer = Buffer.alloc(0)) => {
    const other = by === 'client' ? 'server' : 'client'
    at += 5
    segments.push({ by, flags, sequence: next[by] >>> 0, acknowledged: next[other] >>> 0, bytes, at })
    next[by] += bytes.length + ((flags & (FLAG.syn | FLAG.fin)) === 0 ? 0 : 1)
  }
  add('client', FLAG.syn)
  add('server', FLAG.syn | FLAG.ack)
  add('client', FLAG.ack)
  for (const { by, bytes } of said) {
    for (let from = 0; from < bytes.length; from += mss) add(by, FLAG.ack, bytes.subarray(from, from + mss))
    add(by === 'client' ? 'server' : 'client', FLAG.ack)
  }
  return segments
}

export type Around = (ip: Buffer, version: 4 | 6) => Buffer

/** Link types, each with how it wraps an IP packet. */
export const LINKS: Record<string, { link: number; wrap: Around }> = {
  ethernet: { link: 1, wrap: (ip, version) => Buffer.concat([Buffer.alloc(12), ethertype(version), ip]) },
  vlan: {
    link: 1,
    wrap: (ip, version) => Buffer.concat([Buffer.alloc(12), hex('81000005'), ethertype(version), ip]),
  },
  'vlan in vlan': {
    link: 1,
    wrap: (ip, version) => Buffer.concat([Buffer.alloc(12), hex('88a8000581000006'), ethertype(version), ip]),
  },
  PPPoE: {
    link: 1,
    wrap: (ip, version) =>
      Buffer.concat([Buffer.alloc(12), hex('8864110000010000'), hex(version === 4 ? '0021' : '0057'), ip]),
  },
  'Linux cooked': {
    link: 113,
    wrap: (ip, version) => Buffer.concat([Buffer.alloc(14), ethertype(version), ip]),
  },
  'Linux cooked v2': {
    link: 276,
    wrap: (ip, version) => Buffer.concat([ethertype(version), Buffer.alloc(18), ip]),
  },
  loopback: {
    link: 0,
    wrap: (ip, version) => Buffer.concat([hex(version === 4 ? '02000000' : '1e000000'), ip]),
  },
  'raw IP': { link: 101, wrap: (ip) => ip },
}

/** Segments as a pcap file, in whatever wrapping. */
export function pcapOf(
  segments: readonly Draft[],
  { link, wrap }: { link: number; wrap: Around } = LINKS['ethernet'] as { link: number; wrap: Around },
  version: 4 | 6 = 4,
): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(262_144, 16)
  header.writeUInt32LE(link, 20)
  return Buffer.concat([
    header,
    ...segments.flatMap((segment) => {
      const packet = wrap(ipOf(segment, version), version)
      const about = Buffer.alloc(16)
      about.writeUInt32LE(Math.floor(segment.at / 1_000), 0)
      about.writeUInt32LE((segment.at % 1_000) * 1_000, 4)
      about.writeUInt32LE(packet.length, 8)
      about.writeUInt32LE(packet.length, 12)
      return [about, packet]
    }),
  ])
}

function ipOf({ by, flags, sequence, acknowledged, bytes }: Draft, version: 4 | 6): Buffer {
  const options = (flags & FLAG.syn) === 0 ? Buffer.alloc(0) : hex('020405b4')
  const tcp = Buffer.alloc(20)
  const [client, server] = [40_000, 443]
  tcp.writeUInt16BE(by === 'client' ? client : server, 0)
  tcp.writeUInt16BE(by === 'client' ? server : client, 2)
  tcp.writeUInt32BE(sequence, 4)
  tcp.writeUInt32BE(acknowledged, 8)
  tcp[12] = ((20 + options.length) / 4) << 4
  tcp[13] = flags
  const payload = Buffer.concat([tcp, options, bytes])
  const addresses =
    version === 4
      ? ['cb007107', 'c0000202']
      : ['20010db8000c00000000000000000007', '20010db8000200000000000000000002']
  const [near = '', far = ''] = by === 'client' ? addresses : [...addresses].reverse()
  if (version === 6) {
    const head = Buffer.alloc(8)
    head[0] = 0x60
    head.writeUInt16BE(payload.length, 4)
    head[6] = 6
    return Buffer.concat([head, hex(near), hex(far), payload])
  }
  const head = Buffer.alloc(12)
  head[0] = 0x45
  head.writeUInt16BE(20 + payload.length, 2)
  head[9] = 6
  return Buffer.concat([head, hex(near), hex(far), payload])
}

function ethertype(version: 4 | 6): Buffer {
  return hex(version === 4 ? '0800' : '86dd')
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}
