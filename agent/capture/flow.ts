import type { ClosedEvent, DecidingEvent } from '../../core/event/event.ts'
import { cipherName } from './ciphers.ts'
import { FilteredStream } from './filtered-stream.ts'
import { addressesOf, type Segment } from './segment.ts'
import { type Direction, Stream } from './stream.ts'
import { type TlsFacts, TlsReader } from './tls-reader.ts'

/** One connection, from the first packet seen of it until its handshake is decided. */
export type Flow = {
  /** Takes a segment of either side; an event when that decides it. */
  push(segment: Segment): DecidingEvent | undefined
  /** Decides what nothing decided: its time is up, or the capture ends. */
  end(why: 'timeout' | 'capture_ended', at: number): DecidingEvent
  readonly openedAt: number
  /** Number of the SYN, by which its repeats are known. */
  readonly firstSequence: number
  /** What is shown of it besides the event. */
  ja4(): string | undefined
}

/**
 * What ended a handshake where no alert and no packet says it in the contract's words; read by the enricher.
 * `capture_…`: what kept the capture from knowing.
 */
export const CAPTURE_ERRORS = [
  'capture_ended',
  'capture_loss',
  'capture_one_sided',
  'syn_only',
  'server_closed',
  'server_not_tls',
  'client_encrypted_alert',
  'server_encrypted_alert',
] as const
type CaptureError = (typeof CAPTURE_ERRORS)[number]

type Side = { stream: Direction | undefined; tls: TlsReader; mss: number | undefined; timestamps: boolean }
type Ending = Pick<ClosedEvent, 'ended_by' | 'error' | 'alert' | 'alert_side'>

/** An alert in TLS 1.3, once keys are there: two bytes, the type, and a tag (RFC 8446 section 5.2). */
const HIDDEN_ALERT = 19
const FATAL = 2
/** No server's deadline for a handshake is shorter. */
const DEADLINE_MS = 3_000
/** Timestamps take so much of each segment (RFC 7323). */
const TIMESTAMPS_BYTES = 12
/** A SYN is said once more after a second (RFC 6298 section 2). */
const SYN_REPEATED_MS = 1_500
const HELLO_REPEATED_MS = 1_000
const USUAL_MSS = 1_460
const MAX_U32 = 0xffff_ffff

/** `client` is who opened the connection; `id` names it for all time. */
export function createFlow(
  first: Segment,
  {
    id,
    client,
    site,
    filtered,
  }: { id: string; client: boolean; site: string | undefined; filtered: boolean },
): Flow {
  const clientIsFirst = first.byFirst === client
  const addresses = addressesOf(first)
  const sender = { address: addresses.source, port: first.sourcePort }
  const receiver = { address: addresses.destination, port: first.destinationPort }
  const [source, destination] = client ? [sender, receiver] : [receiver, sender]
  const inward = side()
  const outward = side()
  let openedAt = first.at
  let answeredAt: number | undefined
  let answers = 1
  let established = false
  let rttUs: number | undefined
  let helloSegments = 0
  let retrans = 0
  let outSegments = 0
  let finishedAt: number | undefined
  let finishedRecord = -1
  let hiddenAtFinish = 0
  const midway = !first.syn

  const flow: Flow = {
    get openedAt() {
      return openedAt
    },
    firstSequence: first.sequence,
    ja4: () => inward.tls.facts.clientHello?.ja4,
    push(segment) {
      const fromClient = segment.byFirst === clientIsFirst
      const [own, other] = fromClient ? [inward, outward] : [outward, inward]
      if (segment.syn) return greet(segment, fromClient)
      own.stream ??= fromClient ? new Stream(segment.sequence) : outwardFrom(segment.sequence)
      if (segment.ack && other.stream !== undefined) {
        const { gaps } = other.stream
        other.stream.acknowledge(segment.acknowledged, segment.sacks)
        if (other.stream.gaps > gaps) other.tls.skip()
      }
      if (fromClient && segment.ack) establish(segment.at)
      read(own, segment, fromClient)
      return decide(segment, fromClient)
    },
    end(why, at) {
      if (finishedAt !== undefined) return completed(finishedAt)
      if (filtered && !established) established = wasAcknowledged(at)
      if (why === 'capture_ended') return failed(at, error(established ? 'capture_ended' : 'syn_only'))
      return failed(at, established || midway ? { ended_by: 'timeout' } : error('syn_only'))
    },
  }
  return flow

  function greet(segment: Segment, fromClient: boolean): undefined {
    const own = fromClient ? inward : outward
    if (own.stream !== undefined) {
      if (!fromClient) answers += 1
      return
    }
    own.stream = fromClient ? new Stream(segment.sequence + 1) : outwardFrom(segment.sequence + 1)
    own.mss = segment.mss
    own.timestamps = segment.timestamps
    if (fromClient) openedAt = segment.at
    else answeredAt = segment.at
  }

  /** The filter leaves much out of what the server sends, and all acknowledgements that the client sends for it. */
  function outwardFrom(start: number): Direction {
    return filtered ? new FilteredStream(start) : new Stream(start)
  }

  function establish(at: number): void {
    if (!established && answeredAt !== undefined && isRoundTrip(at - answeredAt))
      rttUs = Math.min(MAX_U32, Math.max(1, Math.round((at - answeredAt) * 1000)))
    established = true
  }

  /**
   * Nobody knows which of two SYNs is acknowledged (Karn's algorithm, RFC 6298 section 3). Where the filter left the ACK out
   * the round trip is that of the ClientHello, which may have been lost once when it takes a second.
   */
  function isRoundTrip(ms: number): boolean {
    return answers === 1 && (!filtered || ms < HELLO_REPEATED_MS)
  }

  /** The filter leaves the ACK of the SYN out; without it the server would have said its SYN once more. */
  function wasAcknowledged(at: number): boolean {
    return answeredAt !== undefined && answers === 1 && at - answeredAt > SYN_REPEATED_MS
  }

  function read(own: Side, segment: Segment, fromClient: boolean): void {
    const stream = own.stream
    if (stream === undefined || segment.length === 0) return
    const { gaps } = stream
    const before = stream.facts.repeated
    const had = own.tls.facts.clientHello !== undefined
    // A segment of which the capture kept too little would put the rest out of step: zeros hold its place.
    const whole = segment.payload.length === segment.length
    const payload = whole ? segment.payload : Buffer.concat([segment.payload], segment.length)
    const bytes = stream.push(segment.sequence, payload, segment.length, segment.at)
    if (stream.gaps > gaps) own.tls.skip()
    own.tls.push(bytes)
    if (fromClient && !had) helloSegments += 1
    if (fromClient) return
    outSegments += 1
    if (stream.facts.repeated > before) retrans += 1
  }

  function decide(segment: Segment, fromClient: boolean): DecidingEvent | undefined {
    const verdict = decideTls(segment.at)
    if (verdict !== undefined) return verdict
    if (segment.rst) {
      if (finishedAt !== undefined) return completed(finishedAt)
      return failed(segment.at, fromClient ? { ended_by: 'reset' } : serverClosed(segment.at))
    }
    if (!segment.fin) return undefined
    if (finishedAt !== undefined) return completed(finishedAt)
    // A FIN beyond a gap: what is missing may still come, and the rest is for the deadline to say.
    const own = fromClient ? inward : outward
    if (own.stream?.isBeyondGap(segment.sequence) === true) return undefined
    return failed(segment.at, fromClient ? { ended_by: 'fin' } : serverClosed(segment.at))
  }

  /** A server that gives up after seconds does so because its own deadline has passed. */
  function serverClosed(at: number): Ending {
    return at - openedAt < DEADLINE_MS ? error('server_closed') : { ended_by: 'timeout' }
  }

  function decideTls(at: number): DecidingEvent | undefined {
    const [client, server] = [inward.tls.facts, outward.tls.facts]
    if (client.notTls !== undefined) return failed(at, notTls(client.notTls))
    if (server.notTls !== undefined) return failed(at, error('server_not_tls'))
    if (finishedAt === undefined) {
      const refused = refusal(client, 'client') ?? refusal(server, 'server')
      if (refused !== undefined) return failed(at, refused)
    }
    return server.serverHello?.version === 'TLSv1.3' ? decide13(at) : decide12(at)
  }

  function decide12(at: number): DecidingEvent | undefined {
    return inward.tls.facts.finished && outward.tls.facts.finished ? completed(at) : undefined
  }

  /**
   * All but the hellos is hidden: what is known is who sent records, and how long. The client's Finished is not the end
   * yet, since the server may refuse its certificate: so the next record tells.
   */
  function decide13(at: number): DecidingEvent | undefined {
    const [client, server] = [inward.tls.facts.hidden, outward.tls.facts.hidden]
    if (server.length === 0) return undefined
    const early = inward.tls.facts.clientHello?.earlyData === true
    if (client.length === 0 || (early && !client.some(isFinished))) return undefined
    // A certificate may come in records of its own before; where none is of a Finished's length, it lies within the last.
    const place = client.findIndex(isFinished)
    if (place < 0 && client.at(-1) === HIDDEN_ALERT) return failed(at, error('client_encrypted_alert'))
    const finished = place < 0 ? client.length - 1 : place
    if (finished !== finishedRecord) {
      finishedRecord = finished
      finishedAt = at
      hiddenAtFinish = server.length
    }
    const next = server[hiddenAtFinish]
    if (next === HIDDEN_ALERT && server.length === hiddenAtFinish + 1) {
      return failed(at, error('server_encrypted_alert'))
    }
    const more = place >= 0 && client.length > place + 1
    return next !== undefined || more ? completed(finishedAt ?? at) : undefined
  }

  function completed(at: number): DecidingEvent {
    return eventOf(at, 'active', {})
  }

  function failed(at: number, ending: Ending): DecidingEvent {
    const blind = blindness()
    const known =
      blind === undefined || ending.ended_by === 'alert' || ending.error?.startsWith('capture_') === true
    return eventOf(at, 'closed', known ? ending : error(blind))
  }

  /** Why the capture cannot know: a hole in it looks like a hole in the path. */
  function blindness(): CaptureError | undefined {
    if (inward.stream?.facts.captureLoss === true || outward.stream?.facts.captureLoss === true)
      return 'capture_loss'
    if (
      outward.stream === undefined &&
      (inward.stream?.facts.segments ?? 0) > 0 &&
      !midway &&
      answeredAt === undefined
    )
      return 'capture_one_sided'
    return undefined
  }

  /**
   * One literal with a place for every field, those that are not known left undefined: spreading the known ones together
   * took a third of the time of reading a capture. Of TCP it has what the server's kernel would say, by what was seen.
   */
  function eventOf(at: number, state: DecidingEvent['state'], ending: Partial<Ending>): DecidingEvent {
    outward.stream?.settle(at)
    const { clientHello } = inward.tls.facts
    const serverHello = state === 'active' ? outward.tls.facts.serverHello : undefined
    const [into, out] = [inward.stream?.facts, outward.stream?.facts]
    const { unacked = 0, sacked = 0, acknowledged = 0, sent = 0 } = out ?? {}
    const timestamps = inward.timestamps && outward.timestamps ? TIMESTAMPS_BYTES : 0
    return {
      v: 1,
      id,
      state,
      opened_at: Math.min(Math.round(openedAt), Math.round(at)),
      decided_at: Math.round(at),
      site,
      source_address: source.address,
      source_port: source.port,
      destination_address: destination.address,
      destination_port: destination.port,
      server_name: printable(clientHello?.serverName),
      tls_version: serverHello?.version,
      cipher: serverHello === undefined ? undefined : cipherName(serverHello.cipher),
      ended_by: ending.ended_by,
      error: ending.error,
      alert: ending.alert,
      alert_side: ending.alert_side,
      hello_bytes: clientHello?.bytes,
      hello_segments: clientHello === undefined ? undefined : helloSegments,
      hello_post_quantum: clientHello?.postQuantum,
      bytes_in: into?.bytes ?? 0,
      bytes_out: sent,
      tcp_rtt_us: rttUs,
      tcp_mss: Math.max(0, (inward.mss ?? USUAL_MSS) - timestamps),
      tcp_segs_in: into?.segments ?? 0,
      tcp_segs_out: outSegments,
      tcp_ooo: into?.outOfOrder ?? 0,
      tcp_bytes_acked: Math.max(0, acknowledged),
      tcp_unacked: unacked,
      tcp_sacked: sacked,
      tcp_lost: retrans > 0 ? Math.max(0, unacked - sacked) : 0,
      tcp_retrans: retrans,
    } as DecidingEvent
  }
}

/** A server name that the contract has room for. */
function printable(name: string | undefined): string | undefined {
  return name === undefined || name.length > 255 || /\p{Cc}/u.test(name) ? undefined : name
}

function side(): Side {
  return { stream: undefined, tls: new TlsReader(), mss: undefined, timestamps: false }
}

function refusal({ alert }: TlsFacts, side: 'client' | 'server'): Ending | undefined {
  if (alert?.level !== FATAL) return undefined
  return { ended_by: 'alert', alert: alert.description, alert_side: side }
}

function error(name: CaptureError): Ending {
  return { ended_by: 'error', error: name }
}

/** In the words of OpenSSL, as an agent in a server reports them. */
function notTls(what: 'http' | 'other'): Ending {
  return {
    ended_by: 'error',
    error: what === 'http' ? 'ERR_SSL_HTTP_REQUEST' : 'ERR_SSL_WRONG_VERSION_NUMBER',
  }
}

/** Finished of a SHA-256 or SHA-384 suite, with its header, type and tag. */
function isFinished(length: number): boolean {
  return length === 53 || length === 69
}
