import type { Outcome } from './store/handshake-row.ts'

/**
 * Every cause the enricher can give, with what it means and what to do about it, in the order in which to read
 * them. The names are stable: they stand in the column `cause`, in the API and on the panels. `completed`
 * handshakes have no cause.
 */
export const CAUSES = {
  mtu_inbound: {
    outcome: 'failed',
    title: 'MTU hole, client to server',
    meaning:
      "The client's full-size segments never arrive, its small ones do: somewhere on the way in a link takes " +
      'smaller packets than the client sends, and the ICMP message that would tell it so is filtered.',
    advice:
      'Tell the network: its path to you has a hole for packets above a size, and "fragmentation needed" (ICMP type 3 ' +
      'code 4, ICMPv6 type 2) must pass. Until then announce a smaller MSS to it (for example ' +
      '`ip route replace PREFIX via GATEWAY advmss 1220`), which makes its segments fit.',
  },
  mtu_outbound: {
    outcome: 'failed',
    title: 'MTU hole, server to client',
    meaning:
      "The server's full-size segments are lost however often they are sent again, while its small last one is " +
      'acknowledged: a link on the way out takes smaller packets, and its ICMP does not reach you.',
    advice:
      'Check that your own firewall lets ICMP "fragmentation needed" in. Switch on `net.ipv4.tcp_mtu_probing=1`, send a ' +
      'shorter certificate chain (ECDSA), or clamp the MSS towards that network.',
  },
  path_inbound: {
    outcome: 'failed',
    title: 'Segments lost on the way in',
    meaning:
      'Segments from the client are missing for good, and nothing shows that it is by size: full-size ones have arrived, ' +
      'or the SYN-ACK was lost, too.',
    advice:
      'Look for loss on the path from that network (mtr from their side). Where the network also shows many mtu_inbound, ' +
      'look for their hole first.',
  },
  path_outbound: {
    outcome: 'failed',
    title: 'Path to the client dead',
    meaning:
      'Nothing the server sent was acknowledged, or what is missing is not missing by size: the client can reach ' +
      'you, you cannot reach it. With the confidence `possible`, the client may simply be gone.',
    advice:
      'Look for asymmetric routing, a stateful firewall that sees one direction only, or a withdrawn route to that prefix ' +
      '(mtr or traceroute towards it from the server).',
  },
  reset_after_hello: {
    outcome: 'failed',
    title: 'Reset after the ClientHello',
    meaning:
      'The connection was reset once the ClientHello was on its way, before anything shows that the answer arrived. ' +
      'Boxes that filter by server name do this; so do clients that are killed.',
    advice:
      'Compare server names and ClientHello sizes of the failing and the working connections of that network. If only one ' +
      "name fails, a filter is at work: a censor, a parental control, a firewall that does not know today's larger " +
      'ClientHello.',
  },
  reset_after_flight: {
    outcome: 'failed',
    title: "Reset after the server's answer",
    meaning: "The client had the server's answer, certificate included, and then the connection was reset.",
    advice:
      'Most often a client that does not accept the certificate and hangs up without an alert, or a box that inspects ' +
      'certificates. Check the chain as an old client sees it (`openssl s_client -showcerts`).',
  },
  client_closed: {
    outcome: 'failed',
    title: 'Client hung up',
    meaning: 'The client closed the connection in an orderly way before the handshake was done.',
    advice:
      'At once after the answer: it did not like the certificate (Node and some others send no alert then), or its user ' +
      'went elsewhere. After a wait: its own patience ran out, so look for what makes the server slow or for answers ' +
      'that do not arrive.',
  },
  client_rejected: {
    outcome: 'failed',
    title: 'Client refused, with an alert',
    meaning:
      "The client sent a fatal alert. Its name says what it could not accept, most often the server's certificate.",
    advice:
      'unknown_ca, bad_certificate, certificate_unknown: an intermediate certificate is missing from the chain, or the ' +
      "client's trust store is old or a proxy's. certificate_expired: renew, and check the client's clock. " +
      'protocol_version, handshake_failure, insufficient_security: client and server share no version or cipher. ' +
      'bad_record_mac, decode_error: something on the way changed the bytes.',
  },
  server_rejected: {
    outcome: 'failed',
    title: 'Server refused the client',
    meaning:
      'The server ended the handshake: no shared version, cipher, group or application protocol, an unknown server name, ' +
      'or a client certificate that is missing or not accepted.',
    advice:
      'Read the alert or error code in the evidence. If clients that matter are too old for the configured versions and ' +
      'ciphers, allow what they need or tell them; if it is their certificate, check the CA list you ask for.',
  },
  client_stalled: {
    outcome: 'failed',
    title: 'Client fell silent',
    meaning:
      'The server answered and the client acknowledged every segment of the answer, then said nothing until the deadline.',
    advice:
      'A client that hangs (waiting for a PIN, a proxy, a debugger), or whose next message is a single segment that is ' +
      'lost on the way in. If a whole network shows it, suspect a box there that swallows what follows the ClientHello.',
  },
  hello_stopped: {
    outcome: 'failed',
    title: 'ClientHello broke off',
    meaning: 'The beginning of a ClientHello arrived in order and nothing after it.',
    advice:
      'One address: a broken or hostile client. A whole network: loss on the way in, or a box that lets only the first ' +
      'segment through.',
  },
  slow: {
    outcome: 'failed',
    title: 'Slow, but progressing',
    meaning: 'The handshake was still moving when its time was up.',
    advice:
      'Raise the handshake deadline if such clients matter to you (satellite, congested mobile), or serve them from ' +
      'nearer. If it is one client sending a byte at a time, it is a slow-loris attack: leave the deadline as it is.',
  },
  ours: {
    outcome: 'failed',
    title: 'Our own fault',
    meaning:
      'The server failed: an internal error, a missing certificate or context, or it did not get to read or answer.',
    advice: "Look at the server's own log and load at that time; the network is not to blame.",
  },
  server_not_tls: {
    outcome: 'failed',
    title: 'Our side answered without TLS',
    meaning:
      'The client sent a ClientHello and our side answered with plain text: what listens there speaks no TLS.',
    advice:
      'Look at what listens on that port: an HTTP server without TLS, a proxy that points to the wrong back end.',
  },
  unexplained: {
    outcome: 'failed',
    title: 'Failed, cause not shown',
    meaning: 'TLS was begun and not completed, and the facts do not say why.',
    advice:
      'Let the agent read the kernel (Linux, `ss` from iproute2): that is what tells an MTU hole from a silent client.',
  },
  silent: {
    outcome: 'noise',
    title: 'Never spoke',
    meaning: 'Connected and sent nothing: the kernel saw no segment with data.',
    advice: 'Nothing. Browsers, scanners and health checks do it.',
  },
  preconnect: {
    outcome: 'noise',
    title: 'Connected and left',
    meaning:
      'Connected and closed in an orderly way without a byte: a speculative connection or a TCP health check.',
    advice: 'Nothing. If it is your own load balancer, a TLS health check would test more.',
  },
  scanner: {
    outcome: 'noise',
    title: 'Connected and reset',
    meaning: 'Connected and reset the connection at once without a byte: a port scan or a TCP health check.',
    advice: 'Nothing.',
  },
  not_tls: {
    outcome: 'noise',
    title: 'Not TLS',
    meaning: 'What came was not a ClientHello: plain HTTP, another protocol, or garbage.',
    advice:
      'Usually scanners. Plain HTTP from your own clients means that a link or a configuration says http:// with the TLS ' +
      'port.',
  },
  capture_ended: {
    outcome: 'unknown',
    title: 'Capture ended',
    meaning: 'The capture stopped before anything decided the handshake.',
    advice: 'Nothing, if it was you who ended it: capture longer than the handshake deadline.',
  },
  capture_loss: {
    outcome: 'unknown',
    title: 'Capture incomplete',
    meaning:
      'The capture did not see all that passed: one side acknowledged what was never captured, only one side was seen, the ' +
      'beginning is missing, or too little was kept of each packet.',
    advice:
      'Capture where both directions pass, whole packets (`tcpdump -s 0`), with a larger buffer (`tcpdump -B`) or fewer ' +
      'ports, or put the agent into the server.',
  },
  agent_stopped: {
    outcome: 'unknown',
    title: 'Agent stopped first',
    meaning: 'The server or its agent was stopped while the handshake was under way.',
    advice: 'Nothing; it is counted in no rate.',
  },
  unknown: {
    outcome: 'unknown',
    title: 'Cannot be told',
    meaning:
      'No byte was read and the kernel was not asked: a client that says nothing and one whose ClientHello is lost in an ' +
      'MTU hole look the same.',
    advice:
      'Let the agent read the kernel (Linux, `ss` from iproute2): then these become `silent` or `mtu_inbound`.',
  },
} as const satisfies Record<string, CauseInfo>

export type CauseInfo = {
  /** What a handshake with this cause counts as. */
  readonly outcome: Exclude<Outcome, 'completed'>
  readonly title: string
  readonly meaning: string
  readonly advice: string
}

export type Cause = keyof typeof CAUSES
