import { at, F, I, increase } from './streams.ts'
import type { Row } from './teach.ts'

const CANDIDATES = 3

/**
 * One minute's worst client joins the vote over the episode (Misra & Gries 1982 with three candidates): whoever
 * fails in more than a quarter of the minutes stays, with a count at most that far below the truth.
 */
export function voteWorstClient(row: Row, client: number): void {
  const { floats, ints, f, i } = row
  let free = -1
  for (let c = 0; c < CANDIDATES; c++) {
    if (at(floats, f + F.VOTE + c) === 0) {
      if (free < 0) free = c
    } else if (at(ints, i + I.CANDIDATE + c) === client) {
      increase(floats, f + F.VOTE + c, 1)
      return
    }
  }
  if (free >= 0) {
    ints[i + I.CANDIDATE + free] = client
    floats[f + F.VOTE + free] = 1
    floats[f + F.MOST_CLIENTS] = Math.max(at(floats, f + F.MOST_CLIENTS), candidates(row))
    return
  }
  for (let c = 0; c < CANDIDATES; c++) increase(floats, f + F.VOTE + c, -1)
}

export type WorstClient = { client: number; failures: number }

/** The client with most votes in the episode. */
export function worstClient(row: Row): WorstClient {
  let worst = { client: 0, failures: 0 }
  for (let c = 0; c < CANDIDATES; c++) {
    const failures = at(row.floats, row.f + F.VOTE + c)
    if (failures > worst.failures) worst = { client: at(row.ints, row.i + I.CANDIDATE + c), failures }
  }
  return worst
}

/** A lower bound of the distinct clients that failed in the episode. */
export function failingClients(row: Row): number {
  return at(row.floats, row.f + F.MOST_CLIENTS)
}

export function forgetClients(row: Row): void {
  row.floats.fill(0, row.f + F.MOST_CLIENTS, row.f + F.VOTE + CANDIDATES)
}

function candidates(row: Row): number {
  let count = 0
  for (let c = 0; c < CANDIDATES; c++) if (at(row.floats, row.f + F.VOTE + c) > 0) count++
  return count
}
