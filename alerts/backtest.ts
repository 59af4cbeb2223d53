import type { Incident } from '../detector/incident.ts'
import type { Alert } from './alert.ts'
import { evaluateMinute, initialState, MINUTE } from './evaluate.ts'
import type { ReadCounts } from './read-counts.ts'
import type { Rule } from './rule.ts'
import { askedOf, windowAt } from './window.ts'

const CHUNK_MINUTES = 60

/**
 * The last state of every alert that the rules would have given from `from` up to, not including, `to` (seconds since
 * 1970), in the order in which they fired: the function that judges live, over stored counts and all incidents of that time.
 */
export async function backtest({
  rules,
  readCounts,
  incidents,
  from,
  to,
  onProgress = () => undefined,
  afterMinute,
}: {
  rules: readonly Rule[]
  readCounts: ReadCounts
  incidents: readonly Incident[]
  from: number
  to: number
  /** Share that is done, from 0 to 1. */
  onProgress?: (share: number) => void
  /** Waited for after each minute: others may have their turn, or it throws and that is the end. */
  afterMinute?: () => Promise<void> | undefined
}): Promise<Alert[]> {
  const alerts = new Map<string, Alert>()
  const asked = askedOf(rules)
  const begin = Math.floor(from / MINUTE) * MINUTE
  let state = initialState()
  for (let start = begin; start < to; start += CHUNK_MINUTES * MINUTE) {
    const end = Math.min(start + CHUNK_MINUTES * MINUTE, to)
    const counts = await readCounts(start, end, asked)
    for (let minute = start; minute < end; minute += MINUTE) {
      const window = windowAt(counts, minute, asked.back)
      const step = evaluateMinute(rules, state, { minute, window, incidents, observed: true })
      state = step.state
      for (const alert of step.changes) alerts.set(alert.id, alert)
      await afterMinute?.()
    }
    onProgress((end - begin) / Math.max(1, to - begin))
  }
  return [...alerts.values()].sort((a, b) => a.fired_at - b.fired_at || (a.id < b.id ? -1 : 1))
}
