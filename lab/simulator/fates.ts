import type { ConnectionFacts, EndedBy } from '../../core/event/index.ts'
import type { Client } from './client.ts'
import type { Random } from './random.ts'

/** What became of one connection: the facts an agent would have reported, and how long it took. */
export type Fate = {
  /** ms from accept to decision. */
  durationMs: number
  /** Absent when the handshake completed. */
  endedBy?: EndedBy
  facts: Partial<ConnectionFacts> & { bytes_in: number; bytes_out: number }
  /** Whether a client tries again at once: never, or with this probability. */
  retry: number
}

/** What a fate depends on. */
export type Circumstances = {
  client: Client
  /** Round trip of this connection, ms. */
  rttMs: number
  serverName: string
  random: Random
}

type MakeFate = (circumstances: Circumstances) => Fate

/** The agent's handshake deadline. */
const DEADLINE_MS = 10_000
/** Data in a segment on an ordinary path of 1500 bytes, with timestamps. */
const MSS = 1448
const IMPATIENT = 0.85

export const completed: MakeFate = ({ client, serverName, random, rttMs }) => {
  const trips = client.tlsVersion === 'TLSv1.3' ? 1 : 2
  return {
    durationMs: Math.round(rttMs * trips + 2 + 6 * random.next()),
    facts: {
      server_name: serverName,
      hello_bytes: client.helloBytes,
      hello_segments: segmentsOf(client),
      hello_post_quantum: client.postQuantum,
      tls_version: client.tlsVersion,
      cipher: client.cipher,
      alpn: client.alpn,
      bytes_in: client.helloBytes + 80 + random.below(50),
      // A third resumes a session and needs no certificate.
      bytes_out: random.chance(0.33) ? 250 + random.below(30) : flightBytes(random),
      tcp_rtt_us: microseconds(rttMs),
    },
    retry: 0,
  }
}

/**
 * The path drops full-size packets to the server and sends no ICMP: of the ClientHello only the small tail arrives,
 * out of order for ever. Measured in the lab (`halfshake lab mtu-inbound`).
 */
export const mtuInbound: MakeFate = ({ rttMs, random }) =>
  timeout(
    { bytes_in: 0, bytes_out: 0, ...kernel(rttMs, { segsIn: random.chance(0.9) ? 1 : 2, ooo: 1 }) },
    random,
  )

/** The same from server to client: the small end of the flight is acknowledged selectively, the rest is not. */
const mtuOutbound: MakeFate = (about) => {
  const facts = { unacked: 3, lost: 2, sacked: 1, retrans: 4 + about.random.below(4), segsIn: 2, segsOut: 3 }
  return timeout(helloAnswered(about, facts), about.random)
}

/** Nothing the server sends arrives; the client sends its hello again and again. */
const pathOutbound: MakeFate = (about) => {
  const retrans = 4 + about.random.below(4)
  const facts = { unacked: 3, lost: 3, segsIn: 3 + about.random.below(4), segsOut: 3 + retrans, retrans }
  return timeout(helloAnswered(about, facts), about.random)
}

/** The hello drips in, in order, and is not whole at the deadline. */
const slow: MakeFate = ({ random, rttMs }) =>
  timeout(
    {
      bytes_in: 100 + random.below(180),
      bytes_out: 0,
      ...kernel(rttMs * 4, { segsIn: 3 + random.below(5) }),
    },
    random,
  )

/** The client does not like the server's certificate. OpenSSL's names for what it read. */
const clientAlert: MakeFate = (about) => {
  const [alert, error] = about.random.weighted([
    [[48, 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'], 5],
    [[46, 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN'], 3],
    [[42, 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE'], 1],
    [[45, 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED'], 1],
  ] as const)
  return rejected(about, { alert, alert_side: 'client', error, bytes_out: flightBytes(about.random) })
}

/** Client and server share no version or no cipher. */
const serverAlert: MakeFate = (about) => {
  const [alert, error] = about.random.weighted([
    [[70, 'ERR_SSL_UNSUPPORTED_PROTOCOL'], 2],
    [[40, 'ERR_SSL_NO_SHARED_CIPHER'], 1],
  ] as const)
  return rejected(about, { alert, alert_side: 'server', error, bytes_out: 7 })
}

/** Something on the way, or the client, resets the connection right after the hello. */
const resetAfterHello: MakeFate = (about) => ({
  durationMs: Math.round(about.rttMs * (1 + about.random.next())),
  endedBy: 'reset',
  facts: {
    ...helloSeen(about),
    error: 'ECONNRESET',
    bytes_in: about.client.helloBytes,
    bytes_out: about.random.chance(0.5) ? 0 : flightBytes(about.random),
  },
  retry: IMPATIENT,
})

/** The user has gone elsewhere in the middle of it. */
const finAfterHello: MakeFate = (about) => ({
  durationMs: Math.round(about.rttMs * (1 + 2 * about.random.next())),
  endedBy: 'fin',
  facts: { ...helloSeen(about), bytes_in: about.client.helloBytes, bytes_out: flightBytes(about.random) },
  retry: 0,
})

/** How an ordinary visit fails on an ordinary day. */
export const ordinaryFailure: MakeFate = (about) =>
  about.random.weighted<MakeFate>([
    [clientAlert, 26],
    [resetAfterHello, 24],
    [finAfterHello, 14],
    [slow, 12],
    [pathOutbound, 10],
    [serverAlert, 9],
    [mtuOutbound, 5],
  ])(about)

/** A browser opened a connection in advance and did not need it. */
export const preconnect: MakeFate = ({ random, rttMs }) =>
  random.chance(0.4)
    ? { ...timeout({ bytes_in: 0, bytes_out: 0, ...kernel(rttMs, {}) }, random), retry: 0 }
    : { durationMs: 500 + random.below(9000), endedBy: 'fin', facts: { bytes_in: 0, bytes_out: 0 }, retry: 0 }

export const plainHttp: MakeFate = ({ random, rttMs }) => ({
  durationMs: Math.round(rttMs),
  endedBy: 'error',
  facts: { error: 'ERR_SSL_HTTP_REQUEST', bytes_in: 78 + random.below(300), bytes_out: 0 },
  retry: 0,
})

/** What scanners do: look whether the port is open, or send what is no TLS. */
export const scan: MakeFate = (about) =>
  about.random.weighted<MakeFate>([
    [portScan, 5],
    [garbage, 3],
    [plainHttp, 2],
  ])(about)

/** A client whose own list of authorities is broken, for ever. */
export const botFailure: MakeFate = (about) => ({
  ...rejected(about, {
    alert: 48,
    alert_side: 'client',
    error: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    bytes_out: flightBytes(about.random),
  }),
  retry: 0,
})

const portScan: MakeFate = ({ random, rttMs }) => ({
  durationMs: Math.round(rttMs),
  ...(random.chance(0.5)
    ? { endedBy: 'reset', facts: { error: 'ECONNRESET', bytes_in: 0, bytes_out: 0 } }
    : { endedBy: 'fin', facts: { bytes_in: 0, bytes_out: 0 } }),
  retry: 0,
})

const garbage: MakeFate = ({ random, rttMs }) => ({
  durationMs: Math.round(rttMs),
  endedBy: 'error',
  facts: { error: 'ERR_SSL_WRONG_VERSION_NUMBER', bytes_in: 8 + random.below(120), bytes_out: 7 },
  retry: 0,
})

function rejected(
  about: Circumstances,
  facts: Pick<Required<ConnectionFacts>, 'alert' | 'alert_side' | 'error' | 'bytes_out'>,
): Fate {
  const { client, random, rttMs } = about
  return {
    durationMs: Math.round(rttMs * 2 + 4 * random.next()),
    endedBy: 'alert',
    facts: { ...helloSeen(about), ...facts, bytes_in: client.helloBytes + 7 + random.below(24) },
    retry: 0.3,
  }
}

function timeout(facts: Fate['facts'], random: Random): Fate {
  return { durationMs: DEADLINE_MS + random.below(60), endedBy: 'timeout', facts, retry: IMPATIENT }
}

function helloAnswered(about: Circumstances, tcp: Kernel): Fate['facts'] {
  return {
    ...helloSeen(about),
    bytes_in: about.client.helloBytes,
    bytes_out: flightBytes(about.random),
    ...kernel(about.rttMs, tcp),
  }
}

function helloSeen({ client, serverName }: Circumstances): Partial<ConnectionFacts> {
  return {
    server_name: serverName,
    hello_bytes: client.helloBytes,
    hello_segments: segmentsOf(client),
    hello_post_quantum: client.postQuantum,
  }
}

function segmentsOf({ helloBytes }: Client): number {
  return Math.ceil(helloBytes / MSS)
}

/** Hello, certificate chain and the rest, as the server hands it to its kernel. */
function flightBytes(random: Random): number {
  return 2900 + random.below(1300)
}

type Kernel = {
  segsIn?: number
  segsOut?: number
  ooo?: number
  unacked?: number
  lost?: number
  sacked?: number
  retrans?: number
}

/** What `ss` shows of a connection that stalled. */
function kernel(rttMs: number, known: Kernel): Partial<ConnectionFacts> {
  const { segsIn = 0, segsOut = 0, ooo = 0, unacked = 0, lost = 0, sacked = 0, retrans = 0 } = known
  return {
    tcp_rtt_us: microseconds(rttMs),
    tcp_mss: MSS,
    tcp_pmtu: 1500,
    tcp_segs_in: segsIn,
    tcp_segs_out: segsOut,
    tcp_ooo: ooo,
    tcp_bytes_acked: 0,
    tcp_unacked: unacked,
    tcp_lost: lost,
    tcp_sacked: sacked,
    tcp_retrans: retrans,
  }
}

function microseconds(ms: number): number {
  return Math.round(ms * 1000)
}
