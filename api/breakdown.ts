import { type Outcome, STAGES, type Stage } from '../core/store/handshake-row.ts'
import { successRate } from './schemas.ts'

/** Sums over the cells of a network: handshakes that share outcome, stage, size and so on. */

export type Decidable = { completed: number; failed: number }
type OutcomeCell = { outcome: Outcome; handshakes: number }

/** Handshakes by outcome, and the rate. */
export function countsOf(cells: readonly OutcomeCell[]) {
  const sum = { completed: 0, failed: 0, noise: 0, unknown: 0 }
  for (const { outcome, handshakes } of cells) sum[outcome] += handshakes
  const handshakes = sum.completed + sum.failed + sum.noise + sum.unknown
  return { handshakes, ...sum, success_rate: successRate(sum) }
}

/**
 * Completed and failed by a column, in the order of `keys`, or the busiest first. Keys with neither are left out.
 */
export function byKey<Cell extends OutcomeCell, Key extends string | number>(
  cells: readonly Cell[],
  keyOf: (cell: Cell) => Key,
  keys?: readonly Key[],
): [Key, Decidable][] {
  const sums = new Map<Key, Decidable>()
  for (const cell of cells) {
    if (cell.outcome !== 'completed' && cell.outcome !== 'failed') continue
    const sum = sums.get(keyOf(cell)) ?? { completed: 0, failed: 0 }
    sum[cell.outcome] += cell.handshakes
    sums.set(keyOf(cell), sum)
  }
  const found = [...sums]
  if (keys !== undefined) return found.sort(([a], [b]) => keys.indexOf(a) - keys.indexOf(b))
  const size = ({ completed, failed }: Decidable) => completed + failed
  return found.sort(([a, x], [b, y]) => size(y) - size(x) || (a < b ? -1 : 1))
}

/** For every stage: how many came at least so far, and how many failed there. */
export function funnel(cells: readonly (OutcomeCell & { stage: Stage })[]) {
  const decided = cells.filter(({ outcome }) => outcome === 'completed' || outcome === 'failed')
  return STAGES.map((stage, i) => {
    const sum = (meets: (cell: (typeof decided)[number]) => boolean) =>
      decided.filter(meets).reduce((total, { handshakes }) => total + handshakes, 0)
    return {
      stage,
      reached: sum((cell) => STAGES.indexOf(cell.stage) >= i),
      failed: sum((cell) => cell.stage === stage && cell.outcome === 'failed'),
    }
  })
}

/** All but one: the rest of the world. */
export function without(all: Decidable, one: Decidable): Decidable {
  return {
    completed: Math.max(0, all.completed - one.completed),
    failed: Math.max(0, all.failed - one.failed),
  }
}
