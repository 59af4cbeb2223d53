import type { DecidingEvent } from '../../core/event/event.ts'
import { Flow } from './flow.ts'
import { createPacketReader, type Packet } from './pcap.ts'
import { type Segment, segmentOf } from './segment.ts'

/** A decided handshake, and what of it the event has no room for. */
export type Decided = { event: DecidingEvent; ja4: string | undefined }

export type FlowCounts = {
  packets: number
  /** Packets without a time that can be believed: left out. */
  untimed: number
  /** Bytes at the end that make no whole packet: the capture was cut off. */
  cutOff: number
  /** Packets of TCP on the ports that are watched. */
  segments: number
  /** Connections begun, decided, and given up because there were too many at once. */
  begun: number
  decided: number
  shed: number
}

export type Flows = {
  push(packet: Packet): Decided[]
  /** The clock has come this far although no packet has: whose time is up is decided. */
  tick(at: number): Decided[]
  /** Nothing more comes. */
  end(): Decided[]
  readonly counts: FlowCounts
}

export type FlowOptions = {
  /** The server's ports; without any, all, and whoever sends the SYN is the client (else whose port is higher). */
  ports: readonly number[]
  /** How long a handshake may take, ms of the capture's own clock. */
  handshakeTimeout: number
  /** Whether the capture was made with `captureFilter`, which leaves bulk data and bare acknowledgements out. */
  filtered: boolean
  /** Connections followed at once: a flood of SYNs takes no more memory than this. */
  maxFlows: number
  site: string | undefined
  /** A name unique for all time, one per call. */
  nextId: () => string
}

/** After its handshake a connection is remembered so long, so that what still comes does not look like a new one. */
const REMEMBERED_MS = 60_000
/** How a TLS record with a hello begins (RFC 8446 section 5.1). */
const HANDSHAKE_RECORD = 22
/** Packets of two interfaces come a little out of order. A clock that goes back by more than this was set. */
const SET_BACK_MS = 3_000
const MAX_REMEMBERED = 100_000
const NONE: Decided[] = []
/** 2000 to 2200, as in the contract, with room for a deadline. */
const EARLIEST = 946_684_800_000
const LATEST = 7_258_000_000_000

/** Follows all connections of a capture and decides each handshake once. */
export function createFlows({
  ports,
  handshakeTimeout,
  filtered,
  maxFlows,
  site,
  nextId,
}: FlowOptions): Flows {
  const open = new Map<string, Flow>()
  const done = new Map<string, { since: number; sequence: number }>()
  const counts: FlowCounts = {
    ...{ packets: 0, untimed: 0, cutOff: 0, segments: 0 },
    ...{ begun: 0, decided: 0, shed: 0 },
  }
  let now = 0
  /** When the last packet was captured, and what the last tick said. */
  let latest = 0
  let ticked = 0
  /** Before this nobody's time is up. */
  let due = Number.POSITIVE_INFINITY

  return {
    counts,
    push(packet) {
      counts.packets += 1
      // A clock that is not set, or a format that has none: the contract has no room for such a time.
      if (!(packet.at >= EARLIEST && packet.at <= LATEST)) {
        counts.untimed += 1
        return []
      }
      let decided = packet.at < latest - SET_BACK_MS ? setBack() : NONE
      latest = packet.at
      now = Math.max(now, latest)
      if (now >= due) decided = [...decided, ...expire(now)]
      const segment = segmentOf(packet)
      if (segment === undefined) return decided
      if (ports.length > 0 && !ports.includes(segment.destinationPort) && !ports.includes(segment.sourcePort))
        return decided
      counts.segments += 1
      const { key } = segment
      const opens = segment.syn && !segment.ack
      // The same ports again, with another SYN, are another connection; all else after the end is nothing.
      const before = done.get(key)
      if (before !== undefined && (!opens || before.sequence === segment.sequence)) return decided
      if (before !== undefined) done.delete(key)
      let flow = open.get(key)
      const isNext = segment.syn && flow?.isSucceededBy(segment) === true
      if (flow !== undefined && isNext) {
        decided = [...decided, settle(key, flow, flow.leave(now))]
        done.delete(key)
        flow = undefined
      }
      if (flow === undefined) {
        if (!mayBegin(segment) && !isNext) return decided
        flow = new Flow(segment, {
          id: nextId(),
          client: opens || (!segment.syn && isToServer(segment)),
          site,
          filtered,
        })
        open.set(key, flow)
        due = Math.min(due, flow.openedAt + handshakeTimeout)
        counts.begun += 1
        shed()
      }
      const event = flow.push(segment)
      return event === undefined ? decided : [...decided, settle(key, flow, event)]
    },
    tick(at) {
      const decided = at < ticked - SET_BACK_MS ? setBack() : NONE
      ticked = at
      now = Math.max(now, at)
      return [...decided, ...expire(now)]
    },
    end() {
      return [...expire(now), ...giveUp()]
    },
  }

  /** Whatever was open then, nobody will know its time. */
  function setBack(): Decided[] {
    const decided = giveUp()
    now = 0
    done.clear()
    return decided
  }

  function giveUp(): Decided[] {
    return [...open].map(([key, flow]) => settle(key, flow, flow.end('capture_ended', now)))
  }

  /** Of a connection whose beginning was not seen. */
  function isToServer({ destinationPort, sourcePort }: Segment): boolean {
    return ports.length === 0 ? destinationPort < sourcePort : ports.includes(destinationPort)
  }

  function settle(key: string, flow: Flow, event: DecidingEvent): Decided {
    open.delete(key)
    done.set(key, { since: now, sequence: flow.firstSequence })
    due = done.size > MAX_REMEMBERED ? now : Math.min(due, now + REMEMBERED_MS)
    counts.decided += 1
    return { event, ja4: flow.ja4 }
  }

  /** Flows stand in the order of their beginning, and all have the same time. */
  function expire(at: number): Decided[] {
    const decided: Decided[] = []
    due = Number.POSITIVE_INFINITY
    for (const [key, flow] of open) {
      const deadline = flow.openedAt + handshakeTimeout
      if (at < deadline) {
        due = Math.min(due, deadline)
        break
      }
      decided.push(settle(key, flow, flow.end('timeout', deadline)))
    }
    for (const [key, { since }] of done) {
      if (at - since < REMEMBERED_MS && done.size <= MAX_REMEMBERED) {
        due = Math.min(due, since + REMEMBERED_MS)
        break
      }
      done.delete(key)
    }
    return decided
  }

  function shed(): void {
    if (open.size <= maxFlows) return
    const [oldest] = open.keys()
    if (oldest === undefined) return
    open.delete(oldest)
    counts.shed += 1
  }
}

/** A connection that was begun before the capture is followed from its hello on, and left alone when that is past. */
function mayBegin({ syn, ack, payload }: Segment): boolean {
  return syn ? !ack : payload[0] === HANDSHAKE_RECORD && payload[1] === 3
}

/**
 * All handshakes of a capture that comes in pieces: those that each piece decides, together, since waiting for every single
 * one takes longer than deciding it. @throws CaptureError
 */
export async function* readCapture(chunks: AsyncIterable<Buffer>, flows: Flows): AsyncGenerator<Decided[]> {
  const packets = createPacketReader()
  for await (const chunk of chunks) {
    const decided: Decided[] = []
    for (const packet of packets.push(chunk)) for (const one of flows.push(packet)) decided.push(one)
    if (decided.length > 0) yield decided
  }
  flows.counts.cutOff = packets.rest()
  yield flows.end()
}
