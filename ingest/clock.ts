import type { ConnectionEvent } from '../core/event/index.ts'

/** How far an agent's clock may be ahead of ours. */
const AHEAD_MS = 10 * 60_000

/**
 * Whether an event's times can be believed. One from the future would be judged now and never again; one older
 * than the raw retention would be dropped on arrival.
 */
export function clockMistake(
  event: ConnectionEvent,
  { now, retentionMs }: { now: number; retentionMs: number },
): { field: string; message: string; allowed: string } | undefined {
  const field = event.state === 'new' ? 'opened_at' : 'decided_at'
  const at = event.state === 'new' ? event.opened_at : event.decided_at
  const ahead = at - now
  if (ahead <= AHEAD_MS && -ahead <= retentionMs) return undefined
  const distance = Math.round(Math.abs(ahead) / 1000)
  return {
    field,
    message: `${field} lies ${distance} s ${ahead > 0 ? 'ahead of' : 'behind'} the time of arrival; is the agent's clock right?`,
    allowed: `at most ${AHEAD_MS / 1000} s ahead and ${Math.round(retentionMs / 1000)} s behind`,
  }
}
