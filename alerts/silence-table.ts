import type { Store } from '../core/store/store.ts'
import type { Acknowledgement } from './muting.ts'
import type { Silence } from './silence.ts'

/** The tables `silences` and `alert_acknowledgements`. All times in ms since 1970. */
export type SilenceTable = {
  /** Those that are not over, or were not before `since`. */
  silences(since: number): Promise<Silence[]>
  silence(id: string): Promise<Silence | undefined>
  /** Of one id the state with an end by hand counts. */
  write(silence: Silence): Promise<void>
  /** Those given at `since` or later, by id of the alert, or of the incident that was acknowledged. */
  acknowledgements(since: number): Promise<Map<string, Acknowledgement>>
  acknowledge(alert: string, given: Acknowledgement): Promise<void>
}

export function createSilenceTable(store: Pick<Store, 'query' | 'insert'>): SilenceTable {
  return {
    silences: async (since) => (await store.query<SilenceRow>(IN_FORCE, { since })).map(silenceOf),
    async silence(id) {
      const [row] = await store.query<SilenceRow>(BY_ID, { id })
      return row === undefined ? undefined : silenceOf(row)
    },
    write: (silence) => store.insert('silences', [rowOf(silence)]),
    async acknowledgements(since) {
      const rows = await store.query<Acknowledgement & { about: string }>(ACKNOWLEDGEMENTS, { since })
      return new Map(rows.map(({ about, ...given }) => [about, given]))
    },
    async acknowledge(alert, given) {
      const { given_at, until } = given
      const times = { given_at: timeText(given_at), until: timeText(until) }
      await store.insert('alert_acknowledgements', [{ alert, ...given, ...times, version: given_at }])
    },
  }
}

export type SilenceRow = Omit<Silence, 'weekly'> & { weekly: string }

export function silenceOf(row: SilenceRow): Silence {
  return { ...row, weekly: row.weekly === '' ? null : (JSON.parse(row.weekly) as Silence['weekly']) }
}

function rowOf(silence: Silence): Record<string, unknown> {
  const { weekly, created_at, starts_at, ends_at, ended_at } = silence
  return {
    ...silence,
    weekly: weekly === null ? '' : JSON.stringify(weekly),
    created_at: timeText(created_at),
    starts_at: timeText(starts_at),
    ends_at: timeText(ends_at),
    ended_at: timeText(ended_at),
    version: ended_at === 0 ? 1 : 2,
  }
}

/** A DateTime64 as JSON takes it: a number would be read as seconds. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '')
}

/** All columns of a silence, as `SilenceRow`; conditions are written over the table's own. */
export const SILENCES = `
SELECT * EXCEPT (version) REPLACE(
  toUnixTimestamp64Milli(created_at) AS created_at,
  toUnixTimestamp64Milli(starts_at) AS starts_at,
  toUnixTimestamp64Milli(ends_at) AS ends_at,
  toUnixTimestamp64Milli(ended_at) AS ended_at
)
FROM silences FINAL`

/** When a silence is over, or was. */
export const SILENCE_END = 'if(silences.version = 1, silences.ends_at, silences.ended_at)'

const IN_FORCE = `${SILENCES}
WHERE ${SILENCE_END} >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
ORDER BY silences.created_at, id`

const BY_ID = `${SILENCES}
WHERE id = {id:String}`

const ACKNOWLEDGEMENTS = `
SELECT
  alert AS about, author, note,
  toUnixTimestamp64Milli(alert_acknowledgements.given_at) AS given_at,
  toUnixTimestamp64Milli(alert_acknowledgements.until) AS until
FROM alert_acknowledgements FINAL
WHERE alert_acknowledgements.given_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
UNION ALL
SELECT
  incident AS about, author, reason AS note,
  toUnixTimestamp64Milli(incident_orders.given_at) AS given_at,
  toInt64(0) AS until
FROM incident_orders FINAL
WHERE action = 'acknowledge' AND incident_orders.given_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')`
