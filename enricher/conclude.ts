import type { DecidingEvent } from '../core/event/index.ts'
import type { Conclusion } from '../core/store/handshake-row.ts'
import { type Facts, factsOf } from './conclude-facts.ts'
import { concludeAlert, concludeError } from './conclude-refusal.ts'
import { concludeHole } from './conclude-stall.ts'
import { verdict } from './conclude-verdict.ts'
import { count, countIs, duration, times } from './words.ts'

const COMPLETED: Conclusion = Object.freeze({
  outcome: 'completed',
  stage: 'completed',
  cause: '',
  confidence: 'none',
  evidence: '',
})

/** The smallest ClientHello there can be: one cipher suite, no extensions, in one record (RFC 5246, 7.4.1.2). */
const SMALLEST_HELLO_BYTES = 50
/** A scan resets at once; who waits longer than this may have tried to speak. */
const SCAN_MS = 3_000
/** A client that left this late may have waited for an answer in vain. */
const PATIENCE_MS = 3_000
/** Round trips that TCP and TLS need, with one to spare. */
const ROUND_TRIPS = 4
/** As many segments of a ClientHello as show that it keeps coming. */
const TRICKLE_SEGMENTS = 3

/**
 * What became of a handshake, how far it got, why, and on what evidence: the table of docs/causes.md. Pure.
 * Facts that are absent prove nothing; where they do not suffice, the cause is `unknown` or `unexplained`.
 */
export function conclude(event: DecidingEvent): Conclusion {
  if (event.state === 'active') return COMPLETED
  const facts = factsOf(event)
  const { ended } = facts
  switch (ended.by) {
    case 'completed':
      return COMPLETED
    case 'alert':
      return concludeAlert(facts, ended.alert, ended.side)
    case 'error':
      return concludeError(facts)
    case 'timeout':
      return concludeTimeout(facts)
    case 'reset':
      return concludeReset(facts)
    case 'fin':
      return concludeFin(facts)
    case 'agent_stopped':
      return verdict(
        facts,
        'agent_stopped',
        'certain',
        `stopped ${duration(facts.waited)} after it was accepted`,
      )
    default:
      return ended satisfies never
  }
}

function concludeTimeout(facts: Facts): Conclusion {
  if (facts.bytesIn === 0) return concludeNothingRead(facts)
  if (facts.stage === 'hello_partial') return concludePartialHello(facts)
  if (facts.bytesOut === 0) {
    const evidence = `the whole ClientHello (${count(facts.bytesIn, 'byte')}) came and nothing was answered in ${duration(facts.waited)}`
    return verdict(facts, 'ours', 'likely', evidence)
  }
  return concludeAfterFlight(facts)
}

function concludeNothingRead(facts: Facts): Conclusion {
  const { tcp, waited } = facts
  const nothing = `0 bytes read in ${duration(waited)}`
  if (!tcp.seen) {
    const evidence = `${nothing}, and the kernel was not asked: silence and a lost ClientHello look the same`
    return verdict(facts, 'unknown', 'none', evidence)
  }
  if (tcp.segsIn === 0) {
    const silence = `${nothing}; no segment with data arrived`
    if (tcp.synAckResends === 0) return verdict(facts, 'silent', 'certain', silence)
    const evidence = `${silence}; the SYN-ACK was resent ${times(tcp.synAckResends)}: a ClientHello may have been lost, too`
    return verdict(facts, 'silent', 'likely', evidence)
  }
  const arrived = `${nothing} although ${count(tcp.segsIn, 'segment')} with data arrived`
  if (tcp.ooo === 0) {
    return verdict(facts, 'ours', 'possible', `${arrived} in order: the server did not get to read`)
  }
  return (
    concludeHole(facts) ?? verdict(facts, 'unexplained', 'none', `${arrived}, out of order: too soon to tell`)
  )
}

function concludePartialHello(facts: Facts): Conclusion {
  const { tcp, bytesIn, waited } = facts
  const inOrder = tcp.segsIn - tcp.ooo
  const length =
    facts.helloBytes > 0 ? ` (it has ${facts.helloBytes} without the headers of its records)` : ''
  const came = `${count(bytesIn, 'byte')} of the ClientHello${length} came in ${duration(waited)}`
  if (inOrder >= TRICKLE_SEGMENTS && inOrder > 2 * Math.ceil(bytesIn / tcp.mss)) {
    return verdict(facts, 'slow', 'likely', `${came}, in order, in ${count(inOrder, 'segment')}`)
  }
  const hole = concludeHole(facts)
  if (hole !== undefined) return hole
  if (bytesIn < SMALLEST_HELLO_BYTES) return concludeTooShort(facts)
  if (!tcp.seen)
    return verdict(facts, 'unexplained', 'none', `${came}, then nothing; the kernel was not asked`)
  const stopped = `${came}, in ${count(tcp.segsIn, 'segment')}, then nothing`
  const unseen = 'nobody saw how long it was to be: a server that does not get to answer would look the same'
  const evidence = facts.helloBytes > 0 ? stopped : `${stopped}; ${unseen}`
  if (tcp.synAckResends > 0) return concludeLostRest(facts, evidence)
  return verdict(facts, 'hello_stopped', facts.helloBytes > 0 ? 'likely' : 'possible', evidence)
}

/**
 * Part of a ClientHello on a path that lost the SYN-ACK. Linux takes the time since its first SYN for the round trip, so its
 * client waits two seconds and more between resends: a few losses by chance take all the time there is.
 */
function concludeLostRest(facts: Facts, stopped: string): Conclusion {
  const { tcp, bytesIn } = facts
  const resent = `${stopped}; the SYN-ACK was resent ${times(tcp.synAckResends)}`
  // A client writes its ClientHello in one go: where the last segment that came was full there may well have been one more.
  if (bytesIn % tcp.mss === 0) {
    const evidence = `${resent} and the last segment was full: the path loses packets, and may have lost the rest`
    return verdict(facts, 'path_inbound', 'possible', evidence)
  }
  return verdict(facts, 'hello_stopped', 'possible', `${resent}, so the path may have lost the rest`)
}

function concludeAfterFlight(facts: Facts): Conclusion {
  const { tcp, bytesIn, bytesOut, waited } = facts
  const hole = concludeHole(facts)
  if (hole !== undefined) return hole
  const so = `${count(bytesIn, 'byte')} in, ${count(bytesOut, 'byte')} out, not done in ${duration(waited)}`
  if (!tcp.seen) return verdict(facts, 'unexplained', 'none', `${so}; the kernel was not asked`)
  if (tcp.rttMs * ROUND_TRIPS >= waited) {
    return verdict(facts, 'slow', 'likely', `${so} at a round trip of ${duration(tcp.rttMs)}`)
  }
  if (tcp.unacked === 0) {
    const evidence = `the client acknowledged all of the server's answer (${count(bytesOut, 'byte')}) and said nothing more in ${duration(waited)}`
    return verdict(facts, 'client_stalled', tcp.retrans + tcp.ooo > 0 ? 'possible' : 'likely', evidence)
  }
  if (tcp.acked > 0 && tcp.lost === 0) {
    const evidence = `${so}; ${tcp.acked} bytes acknowledged, ${countIs(tcp.unacked, 'segment')} under way, none lost`
    return verdict(facts, 'slow', 'possible', evidence)
  }
  const evidence = `${so}; ${countIs(tcp.unacked, 'segment')} not acknowledged after ${count(tcp.dataResends, 'resend')}: too soon to tell`
  return verdict(facts, 'unexplained', 'none', evidence)
}

function concludeReset(facts: Facts): Conclusion {
  const { tcp, bytesIn, bytesOut, waited } = facts
  const hole = concludeHole(facts)
  if (hole !== undefined) return hole
  if (bytesIn === 0) {
    const evidence = `reset after ${duration(waited)}, 0 bytes read`
    if (tcp.seen && tcp.segsIn === 0)
      return verdict(facts, 'scanner', 'certain', `${evidence}, no segment with data`)
    if (waited < SCAN_MS) return verdict(facts, 'scanner', 'likely', evidence)
    return verdict(facts, 'unknown', 'none', `${evidence}: a lost ClientHello could look the same`)
  }
  if (isTooShort(facts)) return concludeTooShort(facts)
  const after = `reset after ${duration(waited)}, ${count(bytesIn, 'byte')} in, ${count(bytesOut, 'byte')} out`
  if (hasAnswer(facts))
    return verdict(facts, 'reset_after_flight', 'likely', `${after}, the answer had arrived`)
  return verdict(facts, 'reset_after_hello', facts.stage === 'hello_partial' ? 'possible' : 'likely', after)
}

function concludeFin(facts: Facts): Conclusion {
  const { tcp, bytesIn, bytesOut, waited } = facts
  // A socket reads the end after all that came before it (RFC 9293, section 3.10.7.4): then nothing is missing on the
  // way in, and what the kernel counted beyond the bytes read came twice.
  const hole = bytesIn === 0 || tcp.unacked > 0 ? concludeHole(facts) : undefined
  if (hole !== undefined) return hole
  if (bytesIn === 0) {
    const confidence = tcp.seen && tcp.segsIn === 0 ? 'certain' : 'likely'
    return verdict(facts, 'preconnect', confidence, `closed after ${duration(waited)}, 0 bytes read`)
  }
  if (isTooShort(facts)) return concludeTooShort(facts)
  const evidence = `the client closed after ${duration(waited)}, ${count(bytesIn, 'byte')} in, ${count(bytesOut, 'byte')} out`
  if (waited < PATIENCE_MS || hasAnswer(facts)) return verdict(facts, 'client_closed', 'likely', evidence)
  return verdict(
    facts,
    'client_closed',
    'possible',
    `${evidence}: perhaps after waiting in vain for the answer`,
  )
}

function isTooShort({ bytesIn, bytesOut }: Facts): boolean {
  return bytesOut === 0 && bytesIn < SMALLEST_HELLO_BYTES
}

function concludeTooShort(facts: Facts): Conclusion {
  const evidence = `${count(facts.bytesIn, 'byte')} came and no more; the smallest ClientHello has ${SMALLEST_HELLO_BYTES}`
  return { ...verdict(facts, 'not_tls', 'likely', evidence), stage: 'connected' }
}

/** Whether the server's answer reached the client: it acknowledged it, or went on to say more than its ClientHello. */
function hasAnswer({ tcp, bytesIn, bytesOut, helloBytes }: Facts): boolean {
  if (bytesOut === 0) return false
  if (tcp.seen && tcp.acked > 0 && tcp.unacked === 0) return true
  // A ClientHello comes in a record with a header of five bytes, which may or may not have been counted.
  return helloBytes > 0 && bytesIn > helloBytes + 5
}
