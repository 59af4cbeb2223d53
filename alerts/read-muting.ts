import type { Alert } from './alert.ts'
import { type Acknowledgement, createMuting, type Muting } from './muting.ts'
import type { SilenceTable } from './silence-table.ts'

export type ReadMuting = (
  alerts: readonly Pick<Alert, 'state' | 'started_at' | 'fired_at'>[],
  /** ms since 1970. */
  now: number,
) => Promise<Muting & { acknowledgements: ReadonlyMap<string, Acknowledgement> }>

/** Reads what concerns these alerts: silences that hold now or held while one that has ended fired, and acknowledgements. */
export function createMutingReader(
  table: Pick<SilenceTable, 'silences' | 'acknowledgements'>,
  delayMs: number,
): ReadMuting {
  return async (alerts, now) => {
    let [fired, started] = [now, now]
    for (const { state, fired_at, started_at } of alerts) {
      if (state === 'resolved') fired = Math.min(fired, fired_at * 1_000)
      started = Math.min(started, started_at * 1_000)
    }
    const [silences, acknowledgements] = await Promise.all([
      table.silences(fired),
      table.acknowledgements(started),
    ])
    return { ...createMuting({ silences, acknowledgements, now, delayMs }), acknowledgements }
  }
}
