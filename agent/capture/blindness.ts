import type { CaptureError } from './ending.ts'
import type { Side } from './side.ts'

export type Captured = {
  inward: Side
  outward: Side
  /** Whether the connection began before the capture did. */
  midway: boolean
  /** Whether its SYN-ACK was captured. */
  answered: boolean
  /** Whether the capture was made with `captureFilter`. */
  filtered: boolean
}

/** Why the capture cannot know what became of a handshake: a hole in it looks like a hole in the path. */
export function blindnessOf({
  inward,
  outward,
  midway,
  answered,
  filtered,
}: Captured): CaptureError | undefined {
  const [into, out] = [inward.stream?.facts, outward.stream?.facts]
  if (into?.captureLoss === true || out?.captureLoss === true) return 'capture_loss'
  if (out === undefined && !answered && into !== undefined && into.segments > 0) return 'capture_one_sided'
  const { clientHello, announced } = inward.tls.facts
  if (midway && (clientHello ?? announced) === undefined) return 'capture_without_hello'
  if (out === undefined || out.sent === 0) return undefined
  if (inward.cut || outward.cut) return 'capture_cut'
  return filtered && lacksAnswer(inward, outward) ? 'capture_loss' : undefined
}

/** What the filter lets through of a server's answer and is not there: its hello, and its Finished after the client's. */
function lacksAnswer(inward: Side, outward: Side): boolean {
  const { serverHello, notTls, finished } = outward.tls.facts
  return notTls === undefined && (serverHello === undefined || (inward.tls.facts.finished && !finished))
}
