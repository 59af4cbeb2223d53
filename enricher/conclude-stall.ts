import type { Conclusion } from '../core/store/handshake-row.ts'
import type { Facts } from './conclude-facts.ts'
import { verdict } from './conclude-verdict.ts'
import { count, countIs, duration, times } from './words.ts'

/**
 * What the kernel's counters prove of a handshake that did not move on: where segments are missing for good, and
 * whether it is by size. Loss by chance heals with the first resend, so nothing is concluded before resends had
 * their time; and where a full-size segment has passed, size is not what keeps the others from passing.
 */

/** By then a sender has tried again at least once; Linux waits 200 ms at first, and not more than 1 s (RFC 6298) … */
const RESENT_MS = 1_000
/** By then it has tried at least twice more, each time after twice the wait. */
const RESENT_OFTEN_MS = 3_000
/**
 * … but where the SYN-ACK was lost. Linux takes the time since its first SYN for the round trip, a second or more, and then
 * resends after 2, 5 and 12 s.
 */
const RESENT_SLOWLY_MS = 15_000
/** No link carries less (RFC 791: 576 bytes with 40 of headers), so segments this small are not lost by size. */
const SMALLEST_MSS = 536
/** Segments that are sent again in one go when the first is known to be lost; later resends are of the head alone. */
const RESENT_TOGETHER = 3
/** The first resend may cross with a bare acknowledgement, a second one does not. */
const UNHEARD_RESENDS = 2

/** The verdict of the kernel, or undefined when its counters show no lasting hole. */
export function concludeHole(facts: Facts): Conclusion | undefined {
  if (!facts.tcp.seen || facts.waited < RESENT_MS) return undefined
  // While our own segments are out, more of the client's are repeats of those we have: say nothing of the way in.
  return facts.bytesOut > 0 && facts.tcp.unacked > 0
    ? concludeHoleOutbound(facts)
    : concludeHoleInbound(facts)
}

function concludeHoleInbound(facts: Facts): Conclusion | undefined {
  const { tcp, bytesIn, waited } = facts
  if (tcp.ooo === 0 || tcp.held === 0) return undefined
  const confidence = waited >= RESENT_OFTEN_MS ? 'likely' : 'possible'
  const arrived = `${countIs(Math.min(tcp.held, tcp.ooo), 'segment')} held back out of order, what comes before never arrived`
  if (bytesIn >= tcp.mss) {
    const evidence = `${bytesIn} bytes read, full-size segments among them, then ${arrived} in ${duration(waited)}`
    return verdict(facts, 'path_inbound', confidence, evidence)
  }
  const read = `${bytesIn} bytes read in ${duration(waited)} although ${count(tcp.segsIn, 'segment')} with data arrived: ${arrived}. `
  const chance = lossByChance(facts)
  if (chance !== '' && waited < RESENT_SLOWLY_MS)
    return verdict(
      facts,
      'path_inbound',
      'possible',
      `${read}${chance}: loss by chance looks like a hole by size`,
    )
  const what =
    facts.bytesOut > 0 ? "the client's answer to the server" : `the ClientHello${helloWords(facts)}`
  const evidence = `${read}The full-size head of ${what} is lost, its small tail gets through (server's MSS ${tcp.mss})`
  return verdict(facts, 'mtu_inbound', chance === '' ? confidence : 'possible', evidence)
}

/** What shows that this path loses small packets too, and so may have lost the missing ones by chance; or ''. */
function lossByChance({ tcp, bytesOut }: Facts): string {
  // It is resent after 1, 3 and 7 s (RFC 6298): a round trip that takes longer has it resent though nothing is lost.
  const inVain = Math.floor(Math.log2(tcp.rttMs / 1_000 + 1))
  if (tcp.synAckResends > inVain)
    return `The SYN-ACK was resent ${times(tcp.synAckResends)}, and then a client resends seldom`
  // One resend may be a probe of the kernel's (RFC 8985), with nothing lost.
  if (bytesOut > 0 && bytesOut < tcp.mss && tcp.dataResends > 1)
    return `The server's answer, less than a full-size segment, was resent ${times(tcp.dataResends)}`
  return ''
}

function concludeHoleOutbound(facts: Facts): Conclusion | undefined {
  const { tcp, waited } = facts
  const missing = Math.max(tcp.lost, tcp.unacked - tcp.sacked)
  const resentOnce = Math.min(missing, RESENT_TOGETHER)
  if (missing === 0 || tcp.dataResends <= resentOnce) return undefined
  const confidence = waited >= RESENT_OFTEN_MS && tcp.dataResends > resentOnce + 1 ? 'likely' : 'possible'
  const sent = `${segmentsOut(facts)} sent, ${missing} of them missing after ${count(tcp.dataResends, 'resend')} in ${duration(waited)}`
  if (tcp.sacked === 0) return pathOutbound(facts, confidence, sent)
  const passed = fullSizePassed(facts, missing)
  if (passed !== '')
    return verdict(facts, 'path_outbound', 'possible', `${sent}; ${passed}, so it is not by size`)
  const evidence =
    `${sent}, while ${countIs(tcp.sacked, 'later one')} acknowledged selectively: full-size segments ` +
    `(MSS ${tcp.mss}) do not get through, the small last one does`
  return verdict(facts, 'mtu_outbound', confidence, evidence)
}

/** What shows that size is not what is missing, or ''. A hole by size lets no full-size segment through. */
function fullSizePassed({ tcp, bytesOut }: Facts, missing: number): string {
  if (tcp.mss <= SMALLEST_MSS) return `a segment has only ${tcp.mss} bytes`
  if (tcp.acked >= tcp.mss) return `${tcp.acked} bytes are acknowledged`
  const fullSize = Math.floor((bytesOut - tcp.acked) / tcp.mss)
  return missing < fullSize ? `${fullSize - missing} of full size arrived` : ''
}

function pathOutbound(facts: Facts, confidence: 'likely' | 'possible', sent: string): Conclusion {
  const { tcp, bytesOut } = facts
  const none = `${sent}, none acknowledged, not even selectively`
  // A client that hears bare acknowledgements stops resending: many resends say that it hears nothing at all.
  if (tcp.held >= UNHEARD_RESENDS) {
    const evidence = `${none}; the client resent its own ${tcp.held} times, so it hears nothing from here`
    return verdict(facts, 'path_outbound', confidence, evidence)
  }
  const alone = tcp.unacked === 1 && bytesOut - tcp.acked > SMALLEST_MSS
  const other = alone ? 'a hole by size, or a client that is gone,' : 'a client that is gone'
  return verdict(facts, 'path_outbound', 'possible', `${none}; ${other} would look the same`)
}

function segmentsOut({ tcp, bytesOut }: Facts): string {
  const segments = Math.max(tcp.unacked, Math.ceil(bytesOut / tcp.mss))
  return `${count(segments, 'segment')} (${bytesOut} bytes)`
}

function helloWords({ helloBytes, postQuantum }: Facts): string {
  if (helloBytes === 0) return ''
  return ` (${helloBytes} bytes${postQuantum ? ', post-quantum' : ''})`
}
