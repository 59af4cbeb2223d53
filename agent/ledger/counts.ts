import type { EndedBy } from '../../core/event/fields.ts'

/** How many handshakes were seen, by what became of them. */
export type LedgerCounts = {
  accepted: number
  active: number
  closed: Record<EndedBy, number>
}
