import type { Alert } from './alert.ts'
import { type Matched, openSilence, type Silence } from './silence.ts'
import { createSilenceIndex } from './silence-index.ts'

/** Who has taken notice of an alert, or of the incident that it came of: it is not told again. Times in ms since 1970. */
export type Acknowledgement = {
  author: string
  note: string
  given_at: number
  /** 0: until the alert ends. */
  until: number
}

/** What people ordered not to be told. */
export type Muting = {
  /** Ids of the silences that hold back new messages about an alert now. */
  silencedBy(alert: Matched): string[]
  /** Whether silences held from when an alert could first be told until its end could. */
  silencedThroughout(alert: Matched & Pick<Alert, 'fired_at' | 'minute'>): boolean
  isAcknowledged(alert: Pick<Alert, 'id' | 'incident'>): boolean
}

export type MutingNeeds = {
  silences: readonly Silence[]
  /** By id of the alert, or of the incident. */
  acknowledgements: ReadonlyMap<string, Pick<Acknowledgement, 'until'>>
  /** ms since 1970. */
  now: number
  /** From the start of a minute until it is evaluated, ms. */
  delayMs: number
}

export const NOTHING_MUTED: Muting = createMuting({
  silences: [],
  acknowledgements: new Map(),
  now: 0,
  delayMs: 0,
})

export function createMuting({ silences, acknowledgements, now, delayMs }: MutingNeeds): Muting {
  let naming: ReturnType<typeof createSilenceIndex> | undefined
  const namingNow = createSilenceIndex(
    silences.filter((silence) => openSilence(silence).holdsUntil(now) !== undefined),
  )
  return {
    silencedBy: (alert) => namingNow(alert).map(({ id }) => id),
    silencedThroughout(alert) {
      naming ??= createSilenceIndex(silences)
      const own = naming(alert)
      const until = alert.minute * 1_000 + delayMs
      let at: number = Math.min(alert.fired_at * 1_000 + delayMs, until)
      do {
        const ends = own.flatMap(({ holdsUntil }) => holdsUntil(at) ?? [])
        if (ends.length === 0) return false
        at = Math.max(...ends)
      } while (at < until)
      return true
    },
    isAcknowledged: ({ id, incident }) =>
      [id, incident].some((about) => {
        const given = about === '' ? undefined : acknowledgements.get(about)
        return given !== undefined && (given.until === 0 || given.until > now)
      }),
  }
}
