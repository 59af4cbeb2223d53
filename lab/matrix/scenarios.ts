import type { Certificates } from './certificates.ts'
import {
  clampedHole,
  deadInbound,
  deadOutbound,
  type Fault,
  firstLargeLost,
  mtuHole,
  probedHole,
  randomLoss,
  reordered,
  resetAfterHello,
  synOnly,
  tailLost,
} from './faults.ts'
import type { Attempt, ClientKind, ServerOrders } from './messages.ts'

/** What an observer must conclude: `outcome/stage/cause`, the cause left away when completed. */
export type Verdict = string

export type Scenario = {
  name: string
  summary: string
  fault?: Fault
  server?: (certificates: Certificates) => Partial<ServerOrders>
  clients: readonly ClientKind[]
  /** Every client of the scenario comes with this. */
  client?: (certificates: Certificates) => Partial<Attempt>
  /** Offers so much that the ClientHello takes 1.5 to 1.9 kB. */
  largeHello?: boolean
  /** Each client comes so many times. */
  times?: number
  /** Who can see anything of it; every observer unless some are named. */
  observers?: readonly string[]
  /** What is right, also by who came and who saw it. The first fits best, the others are as true. */
  right: readonly Verdict[] | ((client: ClientKind, observer: string) => readonly Verdict[])
}

const REAL = ['node', 'openssl'] as const
const COMPLETED = ['completed/completed'] as const
/** One that gave up in a heavy loss may have been lost at any point, but not to a hole by size. */
const LOST_OR_NOT = [
  'completed/completed',
  'failed/server_flight/path_outbound',
  'failed/server_flight/unexplained',
  'failed/hello_partial/path_inbound',
  'failed/hello_partial/unexplained',
  'failed/server_flight/client_stalled',
  'failed/server_flight/path_inbound',
  // Still moving when its time was up.
  'failed/server_flight/slow',
  'unknown/connected/unknown',
  'unknown/connected/unexplained',
  'noise/connected/silent',
  // A SYN that was lost several times comes so late that the lab ends before the handshake does.
  'unknown/connected/agent_stopped',
  'unknown/hello_partial/agent_stopped',
  'unknown/server_flight/agent_stopped',
  'unknown/connected/capture_ended',
  'unknown/hello/capture_ended',
  'unknown/hello_partial/capture_ended',
  'unknown/server_flight/capture_ended',
  'noise/syn/scanner',
] as const

/** OpenSSL sends an alert. Node checks after its Finished and hangs up without one: to the server the handshake may be complete. */
function certificateRefused(client: ClientKind): readonly Verdict[] {
  if (client === 'openssl') return ['failed/server_flight/client_rejected']
  return [
    'completed/completed',
    'failed/server_flight/client_closed',
    'failed/server_flight/reset_after_flight',
  ]
}

/** The faults that the lab makes, each with what is to be concluded of it. */
export const MATRIX: readonly Scenario[] = [
  { name: 'clean', summary: 'nothing is wrong', clients: REAL, right: COMPLETED },
  {
    name: 'clean-large-hello',
    summary: 'nothing is wrong, the ClientHello takes two segments',
    largeHello: true,
    clients: REAL,
    right: COMPLETED,
  },
  {
    name: 'clean-tls12',
    summary: 'nothing is wrong, the client knows no TLS 1.3',
    clients: REAL,
    client: () => ({ maxVersion: 'TLSv1.2' }),
    right: COMPLETED,
  },
  {
    name: 'mtu-hole-small-hello',
    summary: 'a hop of 1400 bytes without ICMP, and everything fits',
    fault: mtuHole,
    clients: REAL,
    right: COMPLETED,
  },
  {
    name: 'mtu-hole-large-hello',
    summary: 'a hop of 1400 bytes without ICMP, and the ClientHello does not fit',
    fault: mtuHole,
    largeHello: true,
    clients: REAL,
    right: ['failed/hello_partial/mtu_inbound', 'failed/connected/mtu_inbound'],
  },
  {
    name: 'mtu-hole-rsa-chain',
    summary: "a hop of 1400 bytes without ICMP, and the server's RSA chain does not fit",
    fault: mtuHole,
    server: ({ rsaChain }) => ({ pair: rsaChain }),
    clients: REAL,
    right: ['failed/server_flight/mtu_outbound'],
  },
  {
    name: 'mtu-hole-probed',
    summary: 'the same, and net.ipv4.tcp_mtu_probing heals it',
    fault: probedHole,
    server: ({ rsaChain }) => ({ pair: rsaChain, handshakeTimeout: 20_000 }),
    clients: REAL,
    right: COMPLETED,
  },
  {
    name: 'mss-clamped',
    summary: 'the same hop, with the MSS clamped to what fits',
    fault: clampedHole,
    server: ({ rsaChain }) => ({ pair: rsaChain }),
    largeHello: true,
    clients: REAL,
    right: COMPLETED,
  },
  {
    name: 'dead-inbound',
    summary: 'no data from the client arrives after the TCP handshake: to the server it is silent',
    fault: deadInbound,
    clients: REAL,
    right: ['noise/connected/silent'],
  },
  {
    name: 'dead-outbound',
    summary: 'no data from the server arrives at the client',
    fault: deadOutbound,
    clients: REAL,
    right: ['failed/server_flight/path_outbound'],
  },
  {
    name: 'first-large-lost',
    summary: 'a box drops the first large segment of each connection; TCP mends it',
    fault: firstLargeLost,
    largeHello: true,
    clients: REAL,
    right: COMPLETED,
  },
  {
    name: 'tail-lost',
    summary: 'a path that loses the first SYN-ACK, and the end of the ClientHello each time: no MTU hole',
    fault: tailLost,
    largeHello: true,
    clients: REAL,
    right: ['failed/hello_partial/path_inbound'],
  },
  {
    name: 'reset-after-hello',
    summary: 'a box between resets the connection when the server answers',
    fault: resetAfterHello,
    clients: REAL,
    right: ['failed/server_flight/reset_after_hello'],
  },
  {
    name: 'silent',
    summary: 'a client that connects and says nothing',
    clients: ['silent'],
    right: ['noise/connected/silent'],
  },
  {
    name: 'preconnect',
    summary: 'a client that connects ahead of need and leaves',
    clients: ['leaves'],
    right: ['noise/connected/preconnect'],
  },
  {
    name: 'scanner',
    summary: 'a client that connects and resets',
    clients: ['resets'],
    right: ['noise/connected/scanner'],
  },
  {
    name: 'syn-only',
    summary: 'a client that sends a SYN and never answers: a server never hears of it, only a capture does',
    fault: synOnly,
    clients: ['silent'],
    observers: ['capture'],
    right: ['noise/syn/scanner'],
  },
  {
    name: 'plain-http',
    summary: 'a client that speaks HTTP without TLS',
    clients: ['http'],
    right: ['noise/connected/not_tls'],
  },
  {
    name: 'half-hello',
    summary: 'a client that stops in the middle of its ClientHello',
    clients: ['half-hello'],
    right: ['failed/hello_partial/hello_stopped'],
  },
  {
    name: 'slow-client',
    summary: 'a client that sends a few bytes at a time, and finishes',
    clients: ['slow'],
    right: COMPLETED,
  },
  {
    name: 'too-slow-client',
    summary: 'a client that sends a few bytes at a time, and does not finish in time',
    clients: ['too-slow'],
    right: ['failed/hello_partial/slow'],
  },
  {
    name: 'unknown-ca',
    summary: "the client does not know the certificate's authority",
    clients: REAL,
    client: ({ otherCa }) => ({ ca: otherCa }),
    right: certificateRefused,
  },
  {
    name: 'expired',
    summary: "the server's certificate has expired",
    server: ({ expired }) => ({ pair: expired }),
    clients: REAL,
    right: certificateRefused,
  },
  {
    name: 'other-name',
    summary: "the server's certificate is for another name",
    server: ({ otherName }) => ({ pair: otherName }),
    clients: REAL,
    right: certificateRefused,
  },
  {
    name: 'no-shared-version',
    summary: 'the client knows TLS 1.2 at most, the server wants 1.3',
    server: () => ({ minVersion: 'TLSv1.3' }),
    clients: REAL,
    client: () => ({ maxVersion: 'TLSv1.2' }),
    right: ['failed/hello/server_rejected'],
  },
  {
    name: 'no-shared-cipher',
    summary: 'client and server have no cipher suite in common',
    server: () => ({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }),
    clients: REAL,
    client: () => ({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' }),
    right: ['failed/hello/server_rejected'],
  },
  {
    name: 'client-certificate-missing',
    summary: 'the server wants a client certificate and gets none',
    server: ({ ca }) => ({ clientCa: ca }),
    clients: REAL,
    // Node checks a client's certificate when the handshake is complete, and then hangs up: on the wire it is.
    right: (_, observer) =>
      observer === 'capture'
        ? [...COMPLETED, 'failed/server_flight/server_rejected']
        : ['failed/server_flight/server_rejected'],
  },
  {
    name: 'client-certificate-lost',
    summary: "a hop of 1400 bytes without ICMP, and the client's certificate does not fit",
    fault: mtuHole,
    server: ({ ca }) => ({ clientCa: ca }),
    clients: REAL,
    client: ({ largeClient }) => ({ pair: largeClient }),
    right: ['failed/server_flight/mtu_inbound'],
  },
  {
    name: 'loss-10',
    summary: 'one packet in ten is lost, either way: no MTU hole',
    fault: randomLoss(10),
    server: ({ rsaChain }) => ({ pair: rsaChain }),
    largeHello: true,
    clients: REAL,
    times: 3,
    right: LOST_OR_NOT,
  },
  {
    name: 'loss-30',
    summary: 'three packets in ten are lost, either way: no MTU hole',
    fault: randomLoss(30),
    clients: REAL,
    times: 3,
    right: LOST_OR_NOT,
  },
  {
    name: 'reordered',
    summary: 'packets overtake one another, and none takes as long as the one before: no MTU hole',
    fault: reordered,
    server: ({ rsaChain }) => ({ pair: rsaChain }),
    largeHello: true,
    clients: REAL,
    times: 6,
    right: ['completed/completed'],
  },
  {
    name: 'slow-server',
    summary: 'the server takes longer than its own deadline',
    server: () => ({ slowness: 30_000 }),
    clients: REAL,
    // Without the wire nobody knows that the ClientHello was whole; the evidence says so (docs/causes.md).
    right: ['failed/hello/ours', 'failed/hello_partial/hello_stopped'],
  },
]
