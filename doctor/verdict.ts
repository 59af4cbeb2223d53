import type { TcpFacts } from '../core/event/event.ts'
import type { Findings } from './examine.ts'
import { type Answer, type HelloProbe, isTls } from './hello-probe.ts'

/** What is wrong, in the words of docs/causes.md where it is a cause that the server would see too. */
export const FAULTS = [
  'none',
  'unreachable',
  'refused',
  'mtu_inbound',
  'mtu_outbound',
  'path_inbound',
  'path_outbound',
  'reset_after_hello',
  'name_filtered',
  'large_hello_refused',
  'post_quantum_refused',
  'server_not_tls',
  'server_rejected',
  'handshake_failed',
  'certificate',
] as const
export type Fault = (typeof FAULTS)[number]

export type Verdict = {
  fault: Fault
  /** What is wrong between here and there, in one sentence without its full stop. */
  sentence: string
  /** What it was concluded from. */
  evidence: string[]
  /** What to do about it; empty when nothing is wrong. */
  advice: string
}

/** From findings to a verdict; a pure function. */
export function judge(findings: Findings): Verdict {
  return { ...faultOf(findings), evidence: evidenceOf(findings) }
}

type Judged = Omit<Verdict, 'evidence'>

const MTU_ADVICE =
  'Let ICMP "fragmentation needed" (type 3 code 4) and ICMPv6 "packet too big" (type 2) pass on the way, or clamp the MSS at your ' +
  'router to what the link takes.'

function faultOf(findings: Findings): Judged {
  const { ordinary, unanswerable, nameless, large, postQuantum, session } = findings
  const { answer } = ordinary
  if (answer.kind === 'no_connection') return noConnection(answer.code)
  if (answer.kind === 'server_hello')
    return isTls(large) ? helloAnswered(findings) : largeUnanswered(findings)
  if (answer.kind === 'alert') {
    return {
      fault: 'server_rejected',
      sentence: `the server refuses an ordinary ClientHello with alert ${answer.alert}`,
      advice: 'The path is fine. Look at the server: its versions, ciphers, and the names it knows.',
    }
  }
  if (answer.kind === 'not_tls') {
    return {
      fault: 'server_not_tls',
      sentence: `what answers there speaks no TLS ("${answer.beginning}")`,
      advice: 'Is the port right? Is a proxy or a captive portal in between?',
    }
  }
  if (nameless !== undefined && isTls(nameless) && !isTls(unanswerable)) {
    return {
      fault: 'name_filtered',
      sentence: `${wasCut(answer)} when the ClientHello has this server name, and not without it`,
      advice:
        'A filter on the way looks at the name: a firewall, a parental control, a censor. Ask whoever runs this network.',
    }
  }
  if (isTls(unanswerable) || session.kind === 'established') {
    return {
      fault: 'mtu_outbound',
      sentence: "the server's small answers arrive here and its full-size segments do not",
      advice: `Packets towards here are lost by their size. ${MTU_ADVICE}`,
    }
  }
  if (answer.kind === 'silence') return silence(answer.kernel, [large, postQuantum])
  return {
    fault: 'reset_after_hello',
    sentence: `the connection is ${answer.kind} as soon as the ClientHello is sent, whatever is in it`,
    advice:
      'A box on the way (firewall, filter, proxy) or the server itself ends it. Compare with another network.',
  }
}

function noConnection(code: string): Judged {
  if (code === 'ECONNREFUSED') {
    return {
      fault: 'refused',
      sentence: 'the connection is refused: nothing listens on that port, or a firewall says so',
      advice: 'Check the port and the server; this is no question of TLS.',
    }
  }
  if (code === 'ENETUNREACH') {
    return {
      fault: 'unreachable',
      sentence: `this machine has no route there (${code})`,
      advice:
        'Where this network has no IPv6, that is why: -4 asks over IPv4 alone. Otherwise check the route.',
    }
  }
  return {
    fault: 'unreachable',
    sentence: `no TCP connection can be opened (${code})`,
    advice: 'Check the route and the firewalls (mtr from here); this is no question of TLS.',
  }
}

function wasCut({ kind }: Answer): string {
  return kind === 'silence' ? 'nothing is answered' : `the connection is ${kind}`
}

/** An ordinary hello is answered, a large one is not. */
function largeUnanswered({ large, sizes }: Findings): Judged {
  if (large.answer.kind !== 'silence') {
    return {
      fault: 'large_hello_refused',
      sentence: `${wasCut(large.answer)} when the ClientHello is large (${large.bytes} bytes), as browsers send it today`,
      advice:
        'A box on the way does not know ClientHellos of more than one segment: update it, or exempt this server.',
    }
  }
  const passing = sizes.filter(isTls).map(({ bytes }) => bytes)
  const most = passing.length === 0 ? undefined : Math.max(...passing)
  const least = sizes.filter((probe) => !isTls(probe)).map(({ bytes }) => bytes)
  const from = least.length === 0 ? large.bytes : Math.min(...least)
  const limit =
    most === undefined ? '' : `: up to ${most} bytes they are answered, from ${from} bytes on they are not`
  return {
    fault: 'mtu_inbound',
    sentence: `full-size packets from here do not reach the server${limit}`,
    advice: MTU_ADVICE,
  }
}

/** Hellos of all sizes are answered. */
function helloAnswered({ postQuantum, session }: Findings): Judged {
  if (!isTls(postQuantum)) {
    return {
      fault: 'post_quantum_refused',
      sentence: `${wasCut(postQuantum.answer)} when the ClientHello has a post-quantum key, and not when it is as large without one`,
      advice: 'A box on the way, or the server, does not know the group X25519MLKEM768: update it.',
    }
  }
  if (session.kind === 'failed') {
    return {
      fault: 'handshake_failed',
      sentence: `hellos are answered, but no handshake completes: ${session.error}`,
      advice:
        'The path carries hellos of every size. Look at the server: does it want a certificate of the client?',
    }
  }
  if (session.upload === 'stuck') {
    return {
      fault: 'mtu_inbound',
      sentence: 'the handshake completes, and then full-size packets from here do not reach the server',
      advice: MTU_ADVICE,
    }
  }
  if (session.download === 'stuck') {
    return {
      fault: 'mtu_outbound',
      sentence: "the handshake completes, and then the server's answer does not arrive whole",
      advice: `Packets towards here are lost by their size. ${MTU_ADVICE}`,
    }
  }
  if (session.distrust !== undefined) {
    return {
      fault: 'certificate',
      sentence: `the path is fine, but this machine does not trust the certificate (${session.distrust}), issued by ${session.issuer || 'nobody'}`,
      advice: `If the issuer is not the one that the server has, something on the way reads along (a proxy, an antivirus). Otherwise ${mendingOf(session.distrust)}`,
    }
  }
  return {
    fault: 'none',
    sentence: 'nothing is wrong: hellos of every size are answered, and data passes both ways',
    advice: '',
  }
}

function mendingOf(distrust: string): string {
  switch (distrust) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'ask for a name that the certificate has, or have this name put into it.'
    case 'CERT_HAS_EXPIRED':
      return 'renew it; check the clock of this machine, too.'
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return 'name its authority with --ca, if it is meant to be your own.'
    default:
      return 'have the server send its whole chain; name an authority of your own with --ca.'
  }
}

/** Nothing that is sent gets an answer, not even the smallest. */
function silence(kernel: TcpFacts | undefined, others: readonly HelloProbe[]): Judged {
  const all = others.every(({ answer }) => answer.kind === 'silence')
  const arrived = (kernel?.tcp_bytes_acked ?? 0) > 1
  const what = all
    ? 'TCP connects, but no ClientHello is answered'
    : 'the smaller ClientHellos are not answered'
  if (kernel === undefined) {
    return {
      fault: 'path_outbound',
      sentence: what,
      advice: 'Look for a firewall that lets connections open and then drops what follows.',
    }
  }
  if (arrived) {
    return {
      fault: 'path_outbound',
      sentence: `${what}: it arrives, since it is acknowledged, and nothing comes back`,
      advice:
        'The server may be too slow, or what it sends is dropped on the way here: look from the server (halfshake pcap).',
    }
  }
  return {
    fault: 'path_inbound',
    sentence: `${what}, nor acknowledged: data from here does not arrive`,
    advice:
      'Look for a firewall that lets connections open and then drops what follows, and for asymmetric routing (mtr).',
  }
}

function evidenceOf(findings: Findings): string[] {
  const { ordinary, unanswerable, nameless, large, postQuantum, sizes, session, pathMtu } = findings
  const lines = [
    tcpLine(ordinary),
    `ClientHello of ${ordinary.bytes} bytes: ${inWords(ordinary.answer)}`,
    ...(nameless === undefined ? [] : [`the same without a server name: ${inWords(nameless.answer)}`]),
    `ClientHello of ${large.bytes} bytes: ${inWords(large.answer)}`,
    `ClientHello of ${postQuantum.bytes} bytes with a post-quantum key: ${inWords(postQuantum.answer)}`,
    `ClientHello that can only be refused: ${inWords(unanswerable.answer)}`,
    ...sizes.map(({ bytes, answer }) => `ClientHello of ${bytes} bytes: ${inWords(answer)}`),
    ...sessionLines(session),
    'unknown' in pathMtu
      ? `path MTU: unknown (${pathMtu.unknown})`
      : `path MTU: ${pathMtu.atLeast ? 'at least ' : ''}${pathMtu.bytes} bytes, by echo requests that must not be fragmented`,
  ]
  return ordinary.answer.kind === 'no_connection' ? lines.slice(0, 1) : lines
}

function tcpLine({ answer, connected }: HelloProbe): string {
  if (connected !== undefined) return `TCP: connected in ${connected} ms`
  return `TCP: not connected (${answer.kind === 'no_connection' ? answer.code : answer.kind}) after ${answer.ms} ms`
}

function inWords(answer: Answer): string {
  switch (answer.kind) {
    case 'server_hello':
      return `answered in ${answer.ms} ms, ${answer.version}, ${answer.received} bytes at once`
    case 'alert':
      return `alert ${answer.alert} in ${answer.ms} ms`
    case 'not_tls':
      return `answered with what is no TLS ("${answer.beginning}")`
    case 'no_connection':
      return `no connection (${answer.code})`
    case 'silence':
      return `no answer in ${answer.ms} ms${kernelWords(answer.kernel)}`
    default:
      return `${answer.kind} after ${answer.ms} ms`
  }
}

function kernelWords(kernel: TcpFacts | undefined): string {
  if (kernel === undefined) return ''
  const { tcp_retrans = 0, tcp_unacked = 0, tcp_sacked = 0, tcp_ooo = 0, tcp_bytes_acked = 0 } = kernel
  const sent =
    tcp_bytes_acked > 1 && tcp_unacked === 0 ? 'acknowledged' : `${tcp_unacked} segments not acknowledged`
  const later = tcp_sacked > 0 ? `, ${tcp_sacked} of them arrived out of turn` : ''
  const came = tcp_ooo > 0 ? `; ${tcp_ooo} segments came, with something before them missing` : ''
  return ` (${sent}${later}, sent again ${tcp_retrans} times${came})`
}

function sessionLines(session: Findings['session']): string[] {
  if (session.kind === 'failed') return [`handshake: failed after ${session.ms} ms (${session.error})`]
  const { ms, version, cipher, issuer, validTo, distrust, upload, download, received, answered } = session
  const answer = answered === undefined ? '' : `, "${answered}"`
  return [
    `handshake: complete in ${ms} ms, ${version}, ${cipher}`,
    `certificate: ${distrust === undefined ? 'trusted' : `not trusted (${distrust})`}, issued by ${issuer || 'nobody'}, valid to ${validTo}`,
    `6000 bytes sent: ${upload}; ${received} bytes of answer: ${download}${answer}`,
  ]
}
